// Keys of the playground. Enter and Shift+Enter are the text box's own; this adds what it lacks:
// an Enter that ends a Hangul syllable neither sends nor breaks the line, and Escape stops the answer being written.
const composer = () => document.querySelector('#pg-message textarea');
let ending = false;  // An Enter went down while a syllable was being composed, and has not come up yet.

function guard(event) {
  if (event.key !== 'Enter' || event.target !== composer()) return;
  if (event.type === 'keyup') {
    ending = false;
  } else if (event.type === 'keydown' && (event.isComposing || event.keyCode === 229)) {
    ending = true;
    event.stopImmediatePropagation();  // The key itself belongs to the input method and is left to it.
  } else if (ending || event.isComposing) {
    // Some systems repeat the key once the syllable is complete; it is still the same press.
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

for (const kind of ['keydown', 'keypress', 'keyup']) document.addEventListener(kind, guard, true);

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.isComposing || event.keyCode === 229) return;
  const stop = [...document.querySelectorAll('.pg-stop')].find((button) => button.offsetParent !== null);
  if (stop) stop.click();
});

// The newest words stay in view, unless the reader has scrolled up.
const talk = element.closest('#pg-talk') || element.parentElement;
let following = true;
talk.addEventListener('scroll', () => {
  following = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
});
new MutationObserver(() => {
  if (following) talk.scrollTop = talk.scrollHeight;
}).observe(talk, {childList: true, subtree: true, characterData: true});
