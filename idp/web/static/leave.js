// Goes on as soon as every frame is there; the load event waits for the frames. One that
// never answers holds nobody in.
function onward() {
  location.replace(document.getElementById('onward').href);
}
window.addEventListener('load', onward);
setTimeout(onward, 5000);
