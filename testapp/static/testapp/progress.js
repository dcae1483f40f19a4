import { TornadoWebSocket } from '../tornado_websockets/client.mjs';
import { ModuleProgressBar } from '../tornado_websockets/modules/progress_bar.mjs';
import { showConnection } from './page.js';

/** An engine is an object with `render(state)`: this one paints a ring with a line of CSS. */
class RingEngine {
  constructor(ring) {
    this.ring = ring;
  }

  render({ progress, done }) {
    this.ring.style.setProperty('--progress', progress);
    this.ring.querySelector('.ring-value').textContent = `${Math.floor(progress)}%`;
    this.ring.classList.toggle('done', done);
  }
}

const refused = document.getElementById('refused');

/** A bar of the server, as `<progress>` in the element of its name. */
function html5Bar(name, options) {
  const bar = new ModuleProgressBar(name);
  const title = document.getElementById(`${name}-title`).textContent;
  bar.set_engine(new bar.EngineHtml5(`#${name}`, { aria_label: title, ...options }));
  return bar;
}

const ws = new TornadoWebSocket('/progress');
showConnection(ws);

const work = html5Bar('work');
ws.bind(work);

// The same bar, drawn a second time.
const ring = new ModuleProgressBar('work');
ring.set_engine(new RingEngine(document.getElementById('ring')));
ws.bind(ring);

const search = html5Bar('search', { value: { visible: false } });
ws.bind(search);

// A bar without a measure moves from the start: it is shown when there is something to say.
for (const event of ['init', 'update']) {
  search.on(event, () => { document.getElementById('search').hidden = search.label === null; });
}

ws.on('refused', (data) => { refused.textContent = data.message; });

for (const [id, bar, event] of [['start', work, 'start'], ['reset', work, 'reset'], ['find', search, 'find']]) {
  document.getElementById(id).addEventListener('click', () => {
    refused.textContent = '';
    bar.emit(event);
  });
}
