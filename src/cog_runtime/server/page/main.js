// The page on which a model is tried.

import { cancel, get, predict, token, url } from './api.js';
import { $, copier, fill, framed, h, seconds, tabs } from './dom.js';
import { NotReadable, makeField } from './fields.js';
import { allowed } from './gate.js';
import { Output, asTerminal, jsonView, progressOf } from './output.js';
import { LANGUAGES, snippet } from './request.js';
import { kindsOf } from './schema.js';

const STATES = {
  STARTING: ['Setting up', 'busy'],
  READY: ['Ready', 'good'],
  BUSY: ['Busy', 'busy'],
  UNHEALTHY: ['Unhealthy', 'bad'],
  SETUP_FAILED: ['Setup failed', 'bad'],
  DEFUNCT: ['Stopped', 'bad'],
  OFFLINE: ['No answer', 'bad'],
};
const PAUSES = { STARTING: 700, READY: 10000, BUSY: 5000 };
const LONGEST_TITLE = 110;
const RAW = { title: 'Predict', path: 'predictions', fields: null, output: {}, streaming: false };

const output = new Output($('result'));
let kind;
let fields = [];
let health = { status: 'CONNECTING' };
let running = null;
let hasRun = false;
let language = LANGUAGES[0];

// What the server says of itself

async function look() {
  const before = health.status;
  health = document.hidden ? health : await get('health-check').catch(() => ({ status: 'OFFLINE' }));
  const [words, mood] = STATES[health.status] || [health.status, ''];
  if ($('state').textContent !== words) $('state').textContent = words;
  $('state').className = `pill ${mood}`;
  $('state').title = health.user_healthcheck_error || '';
  if (!hasRun) showBlank();
  allow();
  if (isUp() && before !== health.status && kind) describe();
  setTimeout(look, PAUSES[health.status] || 2500);
}

const isUp = () => ['READY', 'BUSY', 'UNHEALTHY'].includes(health.status);

function allow() {
  const can = kind && isUp() && !running;
  $('run').setAttribute('aria-disabled', String(!can));
  $('cancel').hidden = !running;
}

async function describe() {
  const { description } = await get('about').catch(() => ({ description: '' }));
  const paragraphs = description.split(/\n\s*\n/).filter(Boolean);
  if (paragraphs[0]?.length <= LONGEST_TITLE) {
    const title = paragraphs.shift().replace(/\s+/g, ' ').replace(/`/g, '').replace(/\.$/, '');
    $('title').textContent = document.title = title;
    $('title').className = title.length > 60 ? 'long' : '';
  }
  fill($('lead'), paragraphs.map(paragraph));
}

// What docstrings are written in: wrapped lines, lists, and code between backticks.
function paragraph(text) {
  const listed = /^\s*([-*+]|\d+[.)]) |\n\s+\S/.test(text);
  const pieces = (listed ? text : text.replace(/\s+/g, ' ')).split(/`+/);
  return h('p', { class: listed && 'lines' }, pieces.map((each, index) => (index % 2 ? h('code', {}, each) : each)));
}

const BLANKS = {
  STARTING: ['The model is being set up', 'It can be asked as soon as this is over.'],
  SETUP_FAILED: ['The model could not be set up', 'What it said last is below. Mend it, and start the server again.'],
  DEFUNCT: ['The model keeps dying', 'The server has given up starting it again.'],
  OFFLINE: ['The server does not answer', 'This page looks again every few seconds.'],
};

function showBlank() {
  const logs = ['STARTING', 'SETUP_FAILED', 'DEFUNCT'].includes(health.status) ? health.setup?.logs : '';
  const [title, text] = BLANKS[health.status] || ['Nothing yet', kind?.fields?.length
    ? 'Fill in the form and run the model: what it answers appears here.'
    : 'Run the model: what it answers appears here.'];
  const mood = (STATES[health.status] || [])[1];
  const key = [title, logs, text].join('\n');
  if ($('blank').dataset.key === key) return;
  $('blank').dataset.key = key;
  $('blank').className = `blank ${health.status === 'STARTING' ? 'busy' : mood || ''}`;
  fill($('blank'), h('i', { 'aria-hidden': 'true' }), h('p', {}, h('b', {}, title), ' ', h('span', {}, text)),
    logs && h('pre', { tabindex: 0, 'aria-label': 'Logs of the setup' }, asTerminal(logs)));
  const pre = $('blank').querySelector('pre');
  if (pre) pre.scrollTop = pre.scrollHeight;
}

// The form

function build() {
  $('wrong').hidden = true;
  const raw = { name: '', title: 'Input as JSON', schema: { type: 'object' }, required: false };
  fields = (kind.fields || [raw]).map((field) => makeField(field, () => {
    fields.find((each) => each.name === field.name)?.complain('');
    update();
  }));
  fill($('fields'), fields.length ? fields.map((each) => each.node) : h('p', { class: 'quiet' }, 'This model takes no input.'));
  update();
}

// The values as `read` gives them to the server, or as `shown` gives them to people; null when one is unreadable.
function collect(how) {
  const found = [];
  let wrong;
  for (const field of fields) {
    try {
      const value = field[how]();
      if (value !== undefined) found.push([field.name, value]);
    } catch (problem) {
      if (!(problem instanceof NotReadable)) throw problem;
      if (how === 'read') field.complain(problem.message);
      wrong ??= field;
    }
  }
  if (wrong && how === 'read') {
    wrong.focus();
    return null;
  }
  return kind.fields ? Object.fromEntries(found) : found[0]?.[1] || {};
}

function update() {
  const secured = Boolean(token.get());
  $('code').textContent = snippet(language, { url: url(kind.path), input: collect('shown'), secured });
}

function complain(detail) {
  const rest = [];
  const wrong = new Set();
  for (const { loc, msg } of detail) {
    const [name, ...inner] = String(loc[2] ?? loc[loc.length - 1]).split('/');
    const field = loc[1] === 'input' && fields.find((each) => each.name === name);
    const place = inner.length ? `Item ${inner.map((each) => (/^\d+$/.test(each) ? Number(each) + 1 : each)).join('.')}: ` : '';
    if (field) field.complain(place + msg);
    else rest.push(`${loc.slice(1).join('.')}: ${msg}`);
    wrong.add(field);
  }
  $('wrong').textContent = rest.join('\n');
  $('wrong').hidden = !rest.length;
  fields.find((each) => wrong.has(each))?.focus();
}

// A run

async function run() {
  if ($('run').getAttribute('aria-disabled') === 'true') return;
  fields.forEach((each) => each.complain(''));
  $('wrong').hidden = true;
  const input = collect('read');
  if (!input) return;
  const random = [...crypto.getRandomValues(new Uint32Array(3))].map((each) => each.toString(36)).join('');
  const path = `${kind.path}/page-${random}`;
  const mine = { path, began: performance.now(), logs: '', metrics: {} };
  running = mine;
  begin();
  try {
    end(await allowed(() => predict(path, input, kind.streaming, listeners(mine))), mine);
  } catch (problem) {
    if (problem.detail) {
      $('status').textContent = $('clock').textContent = '';
      complain(problem.detail);
    } else {
      fail(problem instanceof TypeError ? 'The server does not answer.' : problem.message);
    }
  } finally {
    running = null;
    settle();
  }
}

function begin() {
  $('result').setAttribute('aria-busy', 'true');
  $('output').classList.add('running');
  $('progress').hidden = false;
  $('progress').removeAttribute('value');
  $('status').textContent = 'Running';
  $('status').className = 'busy';
  tick();
  allow();
}

// What was shown before goes only when the server has taken the inputs.
function accepted() {
  hasRun = true;
  output.begin(kind.output);
  for (const id of ['problem', 'logs', 'raw', 'metrics', 'blank']) $(id).hidden = true;
  $('logs').open = false;
  if ($('output').getBoundingClientRect().top > innerHeight - 160) $('output').scrollIntoView({ block: 'start' });
}

function listeners(mine) {
  return {
    accepted,
    output: (chunk) => output.add(chunk),
    log: (text) => { mine.logs += text; showLogs(mine.logs); },
    metric: ({ name, mode, value }) => { if (mode === 'replace') mine.metrics[name] = value; showMetrics(mine.metrics); },
    snapshot: (now) => {
      $('status').textContent = now.queue_position ? `Waiting, number ${now.queue_position} in the queue` : 'Running';
      output.sofar(now.output);
      showLogs(now.logs);
      showMetrics(now.metrics);
    },
  };
}

function tick() {
  if (!running) return;
  $('clock').textContent = `${((performance.now() - running.began) / 1000).toFixed(1)} s`;
  setTimeout(tick, 100);
}

function end(answer, mine) {
  const outcomes = { succeeded: ['Succeeded', 'good'], failed: ['Failed', 'bad'], canceled: ['Cancelled', ''] };
  const [words, mood] = outcomes[answer.status] || [answer.status, ''];
  $('status').textContent = words;
  $('status').className = mood;
  $('clock').textContent = seconds((performance.now() - mine.began) / 1000);
  if (answer.status === 'succeeded') output.end(answer.output);
  else if (answer.error) fail(answer.error);
  showLogs(answer.logs || mine.logs);
  showMetrics(answer.metrics);
  fill($('raw').querySelector('div'), framed(jsonView(answer), copier(() => JSON.stringify(answer, null, 2), 'the answer')));
  $('raw').hidden = false;
}

function fail(message) {
  $('blank').hidden = hasRun = true;
  $('status').textContent = 'Failed';
  $('status').className = 'bad';
  $('problem').textContent = message;
  $('problem').hidden = false;
  if (!$('logs').hidden) $('logs').open = true;
}

function settle() {
  const focused = document.activeElement === $('cancel');
  $('result').removeAttribute('aria-busy');
  $('output').classList.remove('running');
  $('progress').hidden = true;
  allow();
  if (focused) $('run').focus();
}

let drawing = 0;
function showLogs(text) {
  if (!text) return;
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    const pre = $('logs').querySelector('pre');
    const follow = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 30;
    pre.textContent = asTerminal(text.slice(-200000));
    if ($('logs').hidden) {
      $('logs').hidden = false;
      $('logs').open = Boolean(running) || !$('problem').hidden;
    }
    if (follow) pre.scrollTop = pre.scrollHeight;
    const share = progressOf(text);
    if (share !== null) $('progress').value = share;
  });
}

function showMetrics(metrics) {
  const found = Object.entries(metrics || {});
  const named = { predict_time: 'in the model', queue_time: 'in the queue' };
  $('metrics').hidden = !found.length;
  fill($('metrics'), found.map(([name, value]) => h('div', {}, h('dt', {}, named[name] || name),
    h('dd', {}, named[name] ? seconds(value) : typeof value === 'object' ? JSON.stringify(value) : String(value)))));
}

// The beginning

async function load() {
  const found = await allowed(() => get('openapi.json')).catch(() => null);
  const kinds = found ? kindsOf(found) : [];
  const choose = (index) => { kind = kinds[index] || RAW; build(); allow(); };
  $('kinds').hidden = kinds.length < 2;
  $('forget').hidden = !token.get();
  if (kinds.length > 1) tabs($('kinds'), kinds.map((each) => each.title), choose);
  else choose(0);
  $('blank').dataset.key = '';
  if (!hasRun) showBlank();
  if (isUp()) describe();
}

$('form').onsubmit = (event) => { event.preventDefault(); run(); };
$('form').onkeydown = (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
};
$('cancel').onclick = () => { $('status').textContent = 'Cancelling'; cancel(running.path); };
$('reset').onclick = build;
$('forget').onclick = () => { token.clear(); location.reload(); };
$('shortcut').textContent = /Mac|iP(hone|ad)/.test(navigator.platform) ? '⌘ ↵' : 'Ctrl ↵';
fill($('copy'), copier(() => $('code').textContent, 'the request'));
addEventListener('pagehide', () => { if (running) cancel(running.path); });
// A file that misses its field must not replace the page.
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => event.preventDefault());
load().then(() => tabs($('languages'), LANGUAGES, (index) => { language = LANGUAGES[index]; update(); }));
look();
