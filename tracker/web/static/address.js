// Marks the fields that the chosen country needs, as the server does after sending.
(function () {
  var form = document.getElementById('main');
  var country = document.getElementById('country');
  if (!form || !country) return;
  function mark(id) {
    var field = document.getElementById(id);
    var label = document.querySelector('label[for="' + id + '"]');
    if (!field || !label) return;
    var needed = (' ' + form.getAttribute('data-' + id) + ' ').indexOf(' ' + country.value + ' ') >= 0;
    var star = label.querySelector('.star');
    if (needed && !star) {
      star = document.createElement('span');
      star.className = 'star';
      star.setAttribute('aria-hidden', 'true');
      star.textContent = '*';
      label.appendChild(star);
    } else if (!needed && star) {
      label.removeChild(star);
    }
    field.required = needed;
    if (needed) field.setAttribute('aria-required', 'true');
    else field.removeAttribute('aria-required');
  }
  function markAll() { mark('postcode'); mark('region'); }
  country.addEventListener('change', markAll);
  if (country.value) markAll();
})();
