// Improves our forms where script runs: shows what was typed as a password, ticks the
// rules it keeps, and sends nothing twice. Written for old engines on purpose; no page
// needs it.
(function () {
  "use strict";

  function each(list, act) {
    for (var i = 0; i < list.length; i++) { act(list[i]); }
  }

  // A button beside each password shows and hides it.
  function offerShow(input) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = input.getAttribute("data-show");
    button.setAttribute("aria-controls", input.id);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", function () {
      var show = input.type === "password";
      input.type = show ? "text" : "password";
      button.textContent = input.getAttribute(show ? "data-hide" : "data-show");
      button.setAttribute("aria-pressed", show ? "true" : "false");
    });
    input.parentNode.appendChild(button);
    if (input.form) {
      input.form.addEventListener("submit", function () { input.type = "password"; });
    }
  }

  // The parts of an address that may not stand in a password: three characters and more.
  function parts(address) {
    return address.toLowerCase().split(/[^a-z0-9]+/).filter(function (p) { return p.length > 2; });
  }

  var tests = {
    length: function (s, least, most) {
      var n = s.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g, "x").length;
      return n >= +least && n <= +most;
    },
    lower: function (s) { return /[a-z]/.test(s); },
    upper: function (s) { return /[A-Z]/.test(s); },
    digit: function (s) { return /[0-9]/.test(s); },
    symbol: function (s) { return /[!-\/:-@\[-`{-~]/.test(s); },
    apart: function (s, id) {
      var other = document.getElementById(id);
      return parts(other ? other.value : "").every(function (p) { return s.toLowerCase().indexOf(p) < 0; });
    }
  };

  function tick(list, input) {
    each(list.querySelectorAll("li[data-test]"), function (li) {
      var words = li.getAttribute("data-test").split(" ");
      var met = input.value !== "" && tests[words[0]](input.value, words[1], words[2]);
      var said = li.querySelector(".unseen");
      li.className = met ? "met" : "";
      said.textContent = input.value === "" ? "" : " (" + list.getAttribute(met ? "data-met" : "data-unmet") + ")";
    });
  }

  function watch(list) {
    var input = document.getElementById(list.getAttribute("data-for"));
    if (!input || !input.form) { return; }
    input.form.addEventListener("input", function (event) {
      if (event.target === input || input.value !== "") { tick(list, input); }
    });
  }

  // A second press on the same form goes nowhere until the page is shown again.
  function sendOnce(form) {
    var sent = false;
    form.addEventListener("submit", function (event) {
      if (sent) { event.preventDefault(); return; }
      sent = true;
      if (event.submitter) { event.submitter.setAttribute("aria-disabled", "true"); }
      setTimeout(function () { sent = false; }, 10000);
    });
    window.addEventListener("pageshow", function () {
      sent = false;
      each(document.querySelectorAll("button[aria-disabled]"), function (b) { b.removeAttribute("aria-disabled"); });
    });
  }

  each(document.querySelectorAll("input[data-show]"), offerShow);
  each(document.querySelectorAll(".rules"), watch);
  each(document.querySelectorAll("form[method=post]"), sendOnce);
}());
