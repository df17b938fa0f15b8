// Talking to the server. Addresses are relative, so that the page works behind any path.

const KEY = 'cog-token';

export class Unauthorized extends Error {}

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error || `The server answered with status ${status}.`);
    this.status = status;
    this.detail = body?.detail;
  }
}

// The token lives as long as this tab does, and is sent to this server only.
export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  clear: () => sessionStorage.removeItem(KEY),
};

export const url = (path) => new URL(path, document.baseURI).href;

export async function call(path, { method = 'GET', body, headers = {}, ...more } = {}) {
  const sent = { Accept: 'application/json', ...headers };
  if (token.get()) sent.Authorization = `Bearer ${token.get()}`;
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  const answer = await fetch(path, { method, headers: sent, body: body && JSON.stringify(body), ...more });
  if (answer.status === 401) throw new Unauthorized();
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => null));
  return answer;
}

export const get = async (path, more) => (await call(path, more)).json();

export const cancel = (path) => call(`${path}/cancel`, { method: 'POST', keepalive: true }).catch(() => {});

// Server-sent events (WHATWG HTML, section 9.2) of a POST or PUT, which EventSource cannot do.
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: 'message', data: '' };
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) event.name = line.slice(7);
        else if (line.startsWith('data: ')) event.data += line.slice(6);
      }
      if (event.data) yield [event.name, JSON.parse(event.data)];
    }
  }
}

// Runs a prediction, tells `on` what happens, and returns how it ended.
export const predict = (path, input, streaming, on) => (streaming ? streamed : polled)(path, input, on);

async function streamed(path, input, on) {
  const headers = { Accept: 'text/event-stream' };
  const answer = await call(path, { method: 'PUT', body: { input }, headers });
  on.accepted();
  for await (const [name, data] of events(answer)) {
    if (name === 'completed') return data;
    if (name === 'error') throw new Error(data.error);
    if (name === 'output') on.output(data.chunk);
    else if (name === 'log') on.log(data.data);
    else if (name === 'metric') on.metric(data);
  }
  throw new Error('The connection ended before the prediction did.');
}

async function polled(path, input, on) {
  await call(path, { method: 'PUT', body: { input }, headers: { Prefer: 'respond-async' } });
  on.accepted();
  for (;;) {
    const now = await get(`${path}?wait=0.4`).catch(explain);
    if (!['starting', 'processing'].includes(now.status)) return now;
    on.snapshot(now);
  }
}

function explain(problem) {
  if (problem.status !== 404) throw problem;
  throw new Error('The server has forgotten this prediction already: it keeps few (COG_HISTORY, COG_HISTORY_BYTES).');
}
