// Improves our pages where script runs: shows what was typed as a password, ticks the
// rules it keeps, sends nothing twice, and moves a menu that is wider than the window to
// where somebody is. Written for old engines on purpose; no page needs it.
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

  // The parts of a name or an address that may not stand in a password: three
  // characters and more, and not the end of a domain (passwords.EmailParts).
  function parts(text) {
    var halves = text.toLowerCase().split("@");
    var labels = halves.length > 1 ? halves[1].split(".").slice(0, -1) : [];
    if (labels.length > 1 && /^(com|org|net|edu|gov)$/.test(labels[labels.length - 1])) { labels.pop(); }
    return (halves[0] + " " + labels.join(" ")).split(/[\s!-\/:-@\[-`{-~]+/).filter(function (p) { return p.length > 2; });
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
    apart: function (s) {
      for (var i = 1; i < arguments.length; i++) {
        var other = document.getElementById(arguments[i]);
        var free = parts(other ? other.value : "").every(function (p) { return s.toLowerCase().indexOf(p) < 0; });
        if (!free) { return false; }
      }
      return true;
    }
  };

  function tick(list, input) {
    each(list.querySelectorAll("li[data-test]"), function (li) {
      var words = li.getAttribute("data-test").split(" ");
      var met = input.value !== "" && tests[words[0]].apply(null, [input.value].concat(words.slice(1)));
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

  // Brings the marked link of a menu into view: in the middle, or from its beginning.
  function reveal(link) {
    var menu = link.parentNode.parentNode.parentNode;
    var seen = menu.getBoundingClientRect(), place = link.getBoundingClientRect();
    menu.scrollLeft += place.left - seen.left - Math.max(0, (seen.width - place.width) / 2);
  }

  each(document.querySelectorAll(".places [aria-current], .tabs [aria-current]"), reveal);
  each(document.querySelectorAll("input[data-show]"), offerShow);
  each(document.querySelectorAll(".rules"), watch);
  each(document.querySelectorAll("form[method=post]"), sendOnce);
}());
