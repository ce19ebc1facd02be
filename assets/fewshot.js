// What the lists of task data need of the page: clicks as one event with the fields around the button, and typing.
// Runs once per view; `element` and `trigger` come from Gradio's HTML component and outlive what is drawn in it.
// Where a button leads: there the page goes once what it opens is drawn.
const PLACES = {sample: 'fs-bring', open_split: 'fs-split', change: 'fs-change', show: 'fs-list', new: 'fs-list'};

function fieldsOf(button) {
  const form = button.closest('.fs-form');
  const fields = {};
  for (const field of form ? form.querySelectorAll('[name]') : []) fields[field.name] = field.value;
  return fields;
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button || button.disabled || !element.contains(button)) return;
  const {do: what, sure} = button.dataset;
  if (what === 'part') { document.getElementById(`fs-part-${button.dataset.what}-button`)?.click(); return; }
  if (what === 'go') { document.getElementById(`tab-${button.dataset.what}-button`)?.click(); return; }
  if (sure && !window.confirm(sure)) return;
  const place = PLACES[what];
  if (place) setTimeout(() => document.getElementById(place)?.scrollIntoView({block: 'start', behavior: 'smooth'}), 400);
  const ticked = [...element.querySelectorAll('[data-tick]:checked')].map((one) => one.dataset.tick);
  trigger('click', {do: what, what: button.dataset.what || '', fields: fieldsOf(button), ticked});
});

element.addEventListener('change', (event) => {
  if (!event.target.matches('[data-all]')) return;
  for (const box of element.querySelectorAll('[data-tick]')) box.checked = event.target.checked;
});

element.addEventListener('keydown', (event) => {
  const form = event.target.closest('.fs-form');
  if (!form || event.isComposing || event.keyCode === 229) return;
  const line = event.target.matches('input');
  if (event.key === 'Enter' && (line || event.ctrlKey || event.metaKey)) {
    const first = form.querySelector('[data-enter]');
    if (first) { event.preventDefault(); first.click(); }
  }
  if (event.key === 'Escape') form.querySelector('[data-do=close]')?.click();
});

// A Gradio text box's own `input` event hangs on key presses, which Hangul from an input method does not make.
if (element.closest('#fs-list')) {
  let waiting;
  document.addEventListener('input', (event) => {
    if (!event.target.closest('#fs-search')) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => trigger('typed'), 300);
  });
}
