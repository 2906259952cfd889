// Keeps an open dashboard up to date: one socket, changes of single parts, and the way back after a cut without a gap.
const main = document.querySelector('main[data-live]');
const state = document.getElementById('state');

function tell(word) {
  if (state && state.textContent !== (state.dataset[word] ?? word)) state.textContent = state.dataset[word] ?? word;
}

// What the node renders as an element of its own; a row must be parsed inside a table.
function element(html) {
  const frame = document.createElement('template');
  frame.innerHTML = html;
  return frame.content.firstElementChild;
}

function put([id, place, html]) {
  const there = document.getElementById(id);
  if (html === null) {
    there?.remove();
    return;
  }
  const fresh = element(html);
  const holder = document.getElementById(place);
  if (!fresh || !holder) return;
  const open = there?.querySelector('details')?.open;
  if (open) fresh.querySelector('details').open = true;
  if (place === 'moves') {
    there?.remove();
    holder.prepend(fresh);
  } else if (there) {
    there.replaceWith(fresh);
  } else {
    holder.append(fresh);
  }
  fresh.classList.add('new');
  setTimeout(() => fresh.classList.remove('new'), 1500);
}

function follow(known, waits) {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(`${scheme}//${location.host}${main.dataset.live}`);
  let ended = false;
  socket.onopen = () => socket.send(JSON.stringify({ epoch: known.epoch, after: known.seq, lang: main.dataset.lang, bearer: main.dataset.bearer }));
  socket.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    waits = 500;
    if (told.end) {
      ended = true;
      document.querySelectorAll('main section').forEach((section) => section.remove());
      const line = document.createElement('p');
      line.className = 'lead';
      line.setAttribute('role', 'alert');
      line.textContent = told.text;
      main.append(line);
      tell('ended');
      return;
    }
    if (told.paused) return tell('paused');
    if (told.reset) document.querySelectorAll('#units > *, #moves > *, #resources > *, #decisions > *, #corrections > *').forEach((old) => old.remove());
    if (told.put) {
      told.put.forEach(put);
      known = { epoch: told.epoch, seq: told.seq };
    }
    tell('live');
  };
  socket.onclose = () => {
    if (ended) return;
    tell('paused');
    setTimeout(() => follow(known, Math.min(waits * 2, 15000)), waits * (0.5 + Math.random()));
  };
}

if (main) follow({ epoch: Number(main.dataset.epoch), seq: Number(main.dataset.seq) }, 500);
