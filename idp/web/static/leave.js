// Goes on as soon as every frame is there, instead of waiting for the page's own
// refresh. The load event waits for the frames.
window.addEventListener('load', function () {
  location.replace(document.getElementById('onward').href);
});
