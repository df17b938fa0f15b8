'use strict';
// A worker in JavaScript, as docs/reference/worker-protocol.md describes one: node worker.js DATA_FD CONTROL_FD.
// It runs a file that exports run(inputs, call), which may be a function, async, or a generator of either kind, and
// perhaps setup() and healthcheck(). A file is a Buffer; `call` has context, metric(name, value) and an AbortSignal.
const net = require('net');
const path = require('path');

const calls = new Map();
let model;

function listen(fd, onFrame) {
  const socket = new net.Socket({ fd, readable: true, writable: true });
  let held = Buffer.alloc(0);
  socket.on('data', (data) => {
    held = Buffer.concat([held, data]);
    while (held.length >= 8 && held.length >= held.readUInt32BE(0) + 4) {
      const end = held.readUInt32BE(0) + 4;
      const begin = 8 + held.readUInt32BE(4);
      onFrame(JSON.parse(held.toString('utf8', 8, begin)), held.subarray(begin, end));
      held = held.subarray(end);
    }
  });
  // Without the server there is nobody to work for.
  for (const end of ['close', 'error']) socket.on(end, () => process.exit(0));
  return socket;
}

function send(socket, header, value) {
  let payload = value === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value));
  if (Buffer.isBuffer(value)) {
    payload = value;
    header = { ...header, parts: [['file', value.length, [], value.name || 'file.bin']] };
  }
  const encoded = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(4 + encoded.length + payload.length, 0);
  lengths.writeUInt32BE(encoded.length, 4);
  socket.write(Buffer.concat([lengths, encoded, payload]));
}

function inputsOf(header, body) {
  const parts = header.parts || [];
  let at = body.length - parts.reduce((sum, part) => sum + part[1], 0);
  const inputs = JSON.parse(body.toString('utf8', 0, at));
  for (const [kind, length, where, name] of parts) {
    const data = Buffer.from(body.subarray(at, at += length));
    let holder = inputs;
    for (const step of where.slice(0, -1)) holder = holder[step];
    holder[where[where.length - 1]] = kind === 'text' ? data.toString() : Object.assign(data, { mediaType: name });
  }
  return inputs;
}

async function predict(header, body) {
  const { call } = header;
  const stop = new AbortController();
  calls.set(call, stop);
  const metric = (name, value) => send(data, { type: 'metric', call, name, mode: 'replace', value });
  const done = (more, value) => send(data, { type: 'done', call, ...more }, value);
  try {
    const given = { context: header.context || {}, metric, signal: stop.signal };
    const output = await model.run(inputsOf(header, body), given);
    if (output !== null && typeof output === 'object' && typeof output.next === 'function') {
      for await (const item of output) send(data, { type: 'output', call }, item);
      done({ status: 'succeeded', streamed: true });
    } else {
      done({ status: 'succeeded', many: Array.isArray(output) }, output === undefined ? null : output);
    }
  } catch (error) {
    if (stop.signal.aborted) done({ status: 'canceled' });
    else done({ status: 'failed', error: `${error.name}: ${error.message}` });
  }
  calls.delete(call);
}

async function init(header) {
  try {
    model = require(path.resolve(header.reference));
    if (model.setup) await model.setup();
  } catch (error) {
    send(data, { type: 'setup_failed', error: `${error.name}: ${error.message}` });
    return;
  }
  send(data, { type: 'ready', protocol: 1, slots: header.slots || 1, healthcheck: Boolean(model.healthcheck) });
}

async function check(number) {
  const well = await model.healthcheck();
  send(control, { type: 'health', number, error: well === false ? 'Healthcheck failed: it returned false' : null });
}

const [dataFd, controlFd] = process.argv.slice(2).map(Number);
const data = listen(dataFd, (header, body) => {
  if (header.type === 'init') init(header);
  if (header.type === 'predict') predict(header, body);
});
const control = listen(controlFd, (header) => {
  if (header.type === 'cancel' && calls.has(header.call)) calls.get(header.call).abort();
  if (header.type === 'healthcheck') check(header.number);
});
