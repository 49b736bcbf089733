/* SPDX-License-Identifier: MIT */
/* The page: chats at the side, one conversation, one answer at a time being streamed. */
'use strict';

const $ = (id) => document.getElementById(id);
const make = (name, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
};

let chat = Store.add();
let models = [];
let answering = null; /* {controller, chat, message, view, started, first, chunks} */

/* --- the conversation ------------------------------------------------------------------------- */

const seconds = (ms) => `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;

function speedText({ tokens, first, total }) {
  const parts = [`${tokens} token${tokens === 1 ? '' : 's'}`];
  if (first !== undefined) parts.push(`first after ${seconds(first)}`);
  if (tokens > 1 && total > first)
    parts.push(`${(((tokens - 1) * 1000) / (total - first)).toFixed(1)} tokens/s`);
  return parts.join(' · ');
}

function toolButton(label, action) {
  const button = make('button', { type: 'button', textContent: label });
  button.addEventListener('click', action);
  return button;
}

async function copyText(button, text) {
  await navigator.clipboard.writeText(text);
  button.textContent = 'Copied';
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 1200);
}

function toolsOf(message, index) {
  const tools = make('div', { className: 'tools' });
  const last = index === chat.messages.length - 1;
  if (message.role === 'user') {
    tools.append(toolButton('Edit', () => edit(index)));
    if (last) tools.append(toolButton('Retry', () => answerFrom(index + 1)));
  } else {
    tools.append(toolButton('Copy', (event) => copyText(event.target, message.content)));
    tools.append(toolButton('Regenerate', () => answerFrom(index)));
    if (message.stats) tools.append(make('span', { textContent: speedText(message.stats) }));
    if (message.ended) tools.append(make('span', { textContent: `· ${message.ended}` }));
  }
  return tools;
}

/* {node, thinking, body}: the parts that change while an answer is streamed. */
function viewOf(message) {
  const body = make('div', { className: 'body' });
  const node = make('article', {
    className: `message ${message.role}`,
    ariaLabel: message.role === 'user' ? 'You' : 'Answer',
  });
  const thinking = make(
    'details',
    { className: 'thinking', hidden: true },
    make('summary'),
    make('div', { className: 'text' }),
  );
  if (message.role === 'assistant') node.append(thinking);
  node.append(body);
  const view = { node, thinking, body };
  show(view, message);
  return view;
}

function show({ thinking, body }, message) {
  if (message.role === 'user') body.textContent = message.content;
  else Markdown.render(body, message.content);
  if (!message.reasoning) return;
  thinking.hidden = false;
  const busy = answering?.message === message && !message.content;
  thinking.firstChild.textContent = busy ? 'Thinking…' : 'Thoughts';
  Markdown.render(thinking.lastChild, message.reasoning);
}

function showEmpty() {
  $('log').append(
    make(
      'div',
      { className: 'empty' },
      make('strong', { textContent: models.length ? currentModel().id : 'anemone' }),
      'Chats stay in this browser. Enter sends, Shift+Enter makes a line, Esc stops an answer.',
    ),
  );
}

function showChat() {
  $('title').textContent = chat.title;
  document.title = chat.messages.length ? `${chat.title} – anemone` : 'anemone';
  $('log').replaceChildren();
  if (!chat.messages.length) showEmpty();
  chat.messages.forEach((message, index) => {
    if (answering?.message === message) {
      $('log').append(answering.view.node);
      return;
    }
    const view = viewOf(message);
    if (!answering || answering.chat !== chat) view.node.append(toolsOf(message, index));
    $('log').append(view.node);
  });
  $('log').scrollTop = $('log').scrollHeight;
  showChats();
  showContext();
}

function showChats() {
  $('chats').replaceChildren(
    ...Store.chats.map((each) => {
      const open = make('button', { type: 'button', className: 'open', textContent: each.title });
      const remove = make('button', {
        type: 'button',
        className: 'delete',
        textContent: '✕',
        ariaLabel: `Delete “${each.title}”`,
      });
      open.addEventListener('click', () => openChat(each));
      remove.addEventListener('click', () => deleteChat(each));
      if (each === chat) open.setAttribute('aria-current', 'true');
      return make('li', { className: each === chat ? 'current' : '' }, open, remove);
    }),
  );
}

function openChat(each) {
  chat = each;
  closeSide();
  notice('');
  showChat();
  $('prompt').focus();
}

function deleteChat(each) {
  if (each.messages.length && !confirm(`Delete “${each.title}”?`)) return;
  if (answering?.chat === each) answering.controller.abort();
  Store.remove(each);
  if (each === chat) chat = Store.chats[0] || Store.add();
  showChat();
}

/* --- answering -------------------------------------------------------------------------------- */

function request() {
  const { system, temperature, top_p, max_tokens, thinking } = Store.settings;
  const messages = chat.messages.map(({ role, content }) => ({ role, content }));
  if (system.trim()) messages.unshift({ role: 'system', content: system });
  return {
    model: currentModel()?.id,
    messages,
    temperature,
    top_p,
    ...(max_tokens ? { max_tokens } : {}),
    stream_options: { include_usage: true },
    chat_template_kwargs: { enable_thinking: thinking },
  };
}

/* Takes in one chunk; only what changed is drawn, once a frame. */
function take(work, chunk) {
  const choice = chunk.choices?.[0];
  const { content, reasoning_content: reasoning } = choice?.delta || {};
  if (content || reasoning) {
    work.first ??= performance.now() - work.started;
    work.chunks++;
    work.message.content += content || '';
    work.message.reasoning = (work.message.reasoning || '') + (reasoning || '');
  }
  if (choice?.finish_reason === 'length')
    work.message.ended = 'stopped: longest answer or context reached';
  if (chunk.usage) work.usage = chunk.usage;
  work.message.stats = {
    tokens: work.usage?.completion_tokens ?? work.chunks,
    first: work.first,
    total: performance.now() - work.started,
  };
  if (!work.frame) work.frame = requestAnimationFrame(() => draw(work));
}

function draw(work) {
  work.frame = 0;
  if (work.chat !== chat) return;
  const log = $('log');
  const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  show(work.view, work.message);
  if (follow) log.scrollTop = log.scrollHeight;
  if (work === answering) $('status').textContent = speedText(work.message.stats);
}

function begin() {
  const message = { role: 'assistant', content: '' };
  chat.messages.push(message);
  answering = {
    controller: new AbortController(),
    chat,
    message,
    started: performance.now(),
    chunks: 0,
  };
  answering.view = viewOf(message);
  answering.view.node.classList.add('busy');
  $('send').hidden = true;
  $('stop').hidden = false;
  $('status').textContent = 'Reading the conversation…';
  showChat();
  return answering;
}

function end(work) {
  cancelAnimationFrame(work.frame);
  answering = null;
  const { message } = work;
  if (!message.content && !message.reasoning)
    work.chat.messages.splice(work.chat.messages.indexOf(message), 1);
  if (work.usage) work.chat.used = work.usage.total_tokens;
  if (!Store.save(work.chat))
    notice('This browser does not keep the chats: its storage is full or off.');
  $('send').hidden = false;
  $('stop').hidden = true;
  $('status').textContent = '';
  showChat();
  if (!matchMedia('(hover: none)').matches) $('prompt').focus();
}

async function answer() {
  const body = request();
  const work = begin();
  notice('');
  try {
    for await (const chunk of Api.chat(body, Store.settings.key, work.controller.signal))
      take(work, chunk);
  } catch (error) {
    if (error.name === 'AbortError') work.message.ended = 'stopped';
    else fail(error);
  }
  end(work);
}

function fail(error) {
  if (error.status === 401) {
    notice('This server wants an API key: put it into Settings.');
    openSettings();
  } else if (error instanceof TypeError)
    notice('The server cannot be reached. Is `anemone serve` running?');
  else notice(error.message);
}

/* Answers again after the first `count` messages; what followed is gone. */
function answerFrom(count) {
  if (answering) return;
  chat.messages.length = count;
  answer();
}

function edit(index) {
  if (answering) return;
  const { content } = chat.messages[index];
  $('prompt').value = content;
  chat.messages.length = index;
  Store.save(chat);
  showChat();
  grow();
  $('prompt').focus();
  $('prompt').setSelectionRange(content.length, content.length);
}

function send() {
  const text = $('prompt').value.trim();
  if (!text || answering) return;
  $('prompt').value = '';
  grow();
  if (!chat.messages.length) chat.title = text.split('\n')[0].slice(0, 60);
  chat.messages.push({ role: 'user', content: text });
  Store.save(chat);
  answer();
}

/* --- models and settings ---------------------------------------------------------------------- */

const currentModel = () => models.find((model) => model.id === Store.settings.model) || models[0];
const contextOf = (model) => model?.context_length;

async function loadModels() {
  try {
    models = (await Api.get('v1/models', Store.settings.key)).data;
    notice('');
  } catch (error) {
    fail(error);
  }
  $('model').replaceChildren(
    ...models.map(({ id }) => make('option', { value: id, textContent: id })),
  );
  $('model').disabled = models.length < 2;
  if (models.length) $('model').value = currentModel().id;
  showChat();
}

function showContext() {
  const length = contextOf(currentModel());
  if (answering || !length) return;
  $('status').textContent =
    chat.used && chat.messages.length
      ? `context ${chat.used} of ${length} tokens`
      : `context ${length} tokens`;
}

function showInfo() {
  const model = currentModel();
  const rows = Object.entries(model || {}).filter(
    ([name, value]) => name !== 'object' && typeof value !== 'object',
  );
  $('info').replaceChildren(
    ...rows.flatMap(([name, value]) => [
      make('dt', { textContent: name.replaceAll('_', ' ') }),
      make('dd', {
        textContent: name === 'created' ? new Date(value * 1000).toLocaleString() : String(value),
      }),
    ]),
  );
}

function openSettings() {
  const form = $('settings').querySelector('form');
  for (const [name, value] of Object.entries(Store.settings)) {
    const field = form.elements[name];
    if (field?.type === 'checkbox') field.checked = value;
    else if (field) field.value = value ?? '';
  }
  showInfo();
  closeSide();
  if (!$('settings').open) $('settings').showModal();
}

function keepSettings() {
  const { elements } = $('settings').querySelector('form');
  const number = (name, otherwise) =>
    elements[name].value === '' || !elements[name].checkValidity()
      ? otherwise
      : Number(elements[name].value);
  const keyBefore = Store.settings.key;
  Object.assign(Store.settings, {
    system: elements.system.value,
    temperature: number('temperature', 0.7),
    top_p: number('top_p', 0.95),
    max_tokens: number('max_tokens', null),
    thinking: elements.thinking.checked,
    key: elements.key.value.trim(),
  });
  Store.saveSettings();
  if (Store.settings.key !== keyBefore || !models.length) loadModels();
  if (!matchMedia('(hover: none)').matches) $('prompt').focus();
}

function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

/* --- wiring ----------------------------------------------------------------------------------- */

function grow() {
  const prompt = $('prompt');
  prompt.style.height = 'auto';
  prompt.style.height = `${prompt.scrollHeight + 2}px`;
}

function setSide(open) {
  document.body.classList.toggle('side', open);
  $('toggle-side').setAttribute('aria-expanded', String(open));
}
const closeSide = () => setSide(false);

function newChat() {
  openChat(Store.add());
}

function onPromptKey(event) {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  } else if (event.key === 'ArrowUp' && !$('prompt').value && !answering) {
    const last = chat.messages.findLastIndex(({ role }) => role === 'user');
    if (last < 0) return;
    event.preventDefault();
    edit(last);
  }
}

function onKey(event) {
  if (event.key === 'Escape' && !$('settings').open) {
    if (answering) answering.controller.abort();
    closeSide();
  } else if (event.altKey && event.code === 'KeyN') {
    event.preventDefault();
    newChat();
  }
}

$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
});
$('stop').addEventListener('click', () => answering?.controller.abort());
$('prompt').addEventListener('input', grow);
$('prompt').addEventListener('keydown', onPromptKey);
$('new-chat').addEventListener('click', newChat);
$('toggle-side').addEventListener('click', () =>
  setSide(!document.body.classList.contains('side')),
);
$('open-settings').addEventListener('click', openSettings);
$('settings').addEventListener('close', keepSettings);
$('model').addEventListener('change', () => {
  Store.settings.model = $('model').value;
  Store.saveSettings();
  showContext();
});
$('delete-all').addEventListener('click', () => {
  if (!confirm('Delete all chats?')) return;
  answering?.controller.abort();
  Store.clear();
  openChat(Store.add());
});
document.addEventListener('keydown', onKey);
document.querySelector('main').addEventListener('click', (event) => {
  if (event.target.id !== 'toggle-side') closeSide();
});
/* A page that is left keeps what it has of an answer. */
window.addEventListener('pagehide', () => {
  if (!answering) return;
  answering.message.ended = 'stopped';
  Store.save(answering.chat);
});
window.addEventListener('storage', (event) => {
  if (Store.follow(event, chat)) showChats();
});
/* A click on code that was copied from an insecure address would fail silently otherwise. */
window.addEventListener('unhandledrejection', (event) =>
  notice(event.reason?.message || 'Something failed.'),
);

showChat();
loadModels();
