// Answers a client's page that asks "CLIENT SESSION_STATE": unchanged, changed or
// error. OIDC Session Management 3.1, 3.2. SHA-256 (FIPS 180-4) is written out, since
// the browser's own needs a secure context and does not answer at once.
(function () {
  function rotate(x, n) { return (x >>> n) | (x << (32 - n)); }
  function constants(power, count) {
    var out = [];
    for (var n = 2; out.length < count; n++) {
      for (var f = 2; f * f <= n && n % f; f++) { /* looks for a divisor */ }
      if (f * f > n) {
        var root = Math.pow(n, power);
        out.push(((root - Math.floor(root)) * 4294967296) | 0);
      }
    }
    return out;
  }
  function sha256(text) {
    var k = constants(1 / 3, 64), h = constants(1 / 2, 8), w = [], bytes = [];
    text = unescape(encodeURIComponent(text));
    for (var c = 0; c < text.length; c++) bytes.push(text.charCodeAt(c));
    var bits = bytes.length * 8;
    bytes.push(128);
    while (bytes.length % 64 !== 56) bytes.push(0);
    bytes.push(0, 0, 0, 0, bits >>> 24 & 255, bits >>> 16 & 255, bits >>> 8 & 255, bits & 255);
    for (var at = 0; at < bytes.length; at += 64) {
      var s = h.slice();
      for (var i = 0; i < 64; i++) {
        if (i < 16) {
          w[i] = bytes[at + 4 * i] << 24 | bytes[at + 4 * i + 1] << 16 | bytes[at + 4 * i + 2] << 8 | bytes[at + 4 * i + 3];
        } else {
          var x = w[i - 15], y = w[i - 2];
          w[i] = (w[i - 16] + w[i - 7] + (rotate(x, 7) ^ rotate(x, 18) ^ x >>> 3) + (rotate(y, 17) ^ rotate(y, 19) ^ y >>> 10)) | 0;
        }
        var one = (s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) + (s[4] & s[5] ^ ~s[4] & s[6]) + k[i] + w[i]) | 0;
        var two = ((rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + (s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2])) | 0;
        s = [(one + two) | 0, s[0], s[1], s[2], (s[3] + one) | 0, s[4], s[5], s[6]];
      }
      for (var j = 0; j < 8; j++) h[j] = (h[j] + s[j]) | 0;
    }
    var out = '';
    for (var d = 0; d < 8; d++) out += ('0000000' + (h[d] >>> 0).toString(16)).slice(-8);
    return out;
  }
  function state() {
    var all = document.cookie.split('; ');
    for (var i = 0; i < all.length; i++) {
      if (all[i].indexOf('COOKIE=') === 0) return all[i].slice('COOKIE='.length);
    }
    return '';
  }
  function answer(said, origin) {
    if (typeof said !== 'string') return 'error';
    var parts = said.split(' ');
    if (parts.length !== 2) return 'error';
    var dot = parts[1].lastIndexOf('.');
    var now = state(), salt = parts[1].slice(dot + 1);
    if (!parts[0] || dot !== 64 || !now) return 'error';
    return sha256(parts[0] + ' ' + origin + ' ' + now + ' ' + salt) === parts[1].slice(0, dot) ? 'unchanged' : 'changed';
  }
  window.addEventListener('message', function (e) {
    if (e.source && e.source !== window && e.origin !== 'null') e.source.postMessage(answer(e.data, e.origin), e.origin);
  });
})();
