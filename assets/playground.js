// What the playground's views need of the page: clicks as one event, editing in place, copying, keys.
// Runs once per view; `element`, `trigger` and `props` come from Gradio's HTML component.
// Two events reach Python: 'ask' (an answer follows and streams) and 'tend' (everything else).
const ASKING = ['example', 'regenerate', 'continue', 'edited'];

function details(button) {
  const data = {...button.dataset};
  for (const name of ['turn', 'chat', 'run']) {
    const holder = button.closest(`[data-${name}]`);
    if (holder) data[name] = holder.dataset[name];
  }
  delete data.raw;
  return data;
}

function report(data) {
  if (data.act === 'cite' || data.act === 'sources') showSources();
  if (ASKING.includes(data.act)) trigger('ask', data);
  else trigger('tend', data);
}

// Brings what an answer rests on into view once it is drawn: the marked passage, or the box.
function showSources() {
  const watching = new MutationObserver(() => {
    const shown = document.querySelector('#pg-sources mark') || document.querySelector('#pg-sources');
    if (!shown) return;
    watching.disconnect();
    requestAnimationFrame(() => shown.scrollIntoView({block: 'center', behavior: 'smooth'}));
  });
  watching.observe(document.body, {childList: true, subtree: true});
  setTimeout(() => watching.disconnect(), 5000);
}

async function copy(button) {
  const text = button.closest('[data-raw]').dataset.raw;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  button.classList.add('pg-done');
  setTimeout(() => button.classList.remove('pg-done'), 1200);
}

// Opens a field in place of `holder`'s content; Escape or Cancel puts the content back.
function editInPlace(holder, field, text, labels, done) {
  const before = [...holder.childNodes];
  const restore = () => holder.replaceChildren(...before);
  const save = document.createElement('button');
  const cancel = document.createElement('button');
  save.type = cancel.type = 'button';
  save.textContent = labels.save;
  cancel.textContent = labels.cancel;
  save.className = 'pg-save';
  const row = document.createElement('div');
  row.className = 'pg-edit-row';
  row.append(save, cancel);
  field.value = text;
  field.className = 'pg-field';
  holder.replaceChildren(field, row);
  field.focus();
  const finish = () => {
    const value = field.value;
    restore();
    if (value.trim() && value !== text) done(value);
  };
  save.onclick = (event) => { event.stopPropagation(); finish(); };
  cancel.onclick = (event) => { event.stopPropagation(); restore(); };
  field.onkeydown = (event) => {
    event.stopPropagation();
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') restore();
    if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); finish(); }
  };
}

function editTurn(button) {
  const turn = button.closest('[data-turn]');
  const field = document.createElement('textarea');
  field.rows = Math.min(8, turn.dataset.raw.split('\n').length + 1);
  const bubble = turn.querySelector('.pg-bubble');
  editInPlace(bubble, field, turn.dataset.raw, button.dataset, (text) =>
    report({act: 'edited', turn: turn.dataset.turn, text}));
}

function renameChat(button) {
  const chat = button.closest('[data-chat]');
  const field = document.createElement('input');
  field.maxLength = 120;
  editInPlace(chat, field, chat.querySelector('.pg-open').textContent, button.dataset, (text) =>
    report({act: 'renamed', chat: chat.dataset.chat, text}));
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || button.disabled || !element.contains(button)) return;
  const act = button.dataset.act;
  if (act === 'copy') copy(button);
  else if (act === 'edit') editTurn(button);
  else if (act === 'rename') renameChat(button);
  else report(details(button));
});
