/* SPDX-License-Identifier: MIT */
/*
 * Chats and settings, kept in the browser only. A chat is {id, title, updated, used, messages}; a
 * message is {role, content, reasoning, stats, ended}. Each chat has its own key, so that two open
 * pages do not overwrite each other's. Where storage is refused or full, the page works without.
 */
'use strict';

const Store = (() => {
  const prefix = 'anemone-chat-';
  const defaults = {
    system: '',
    temperature: 0.7,
    top_p: 0.95,
    max_tokens: null,
    thinking: true,
    key: '',
    model: '',
  };

  function read(name) {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  }

  /* False when it could not be kept. */
  function write(name, value) {
    try {
      localStorage.setItem(name, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  function storedNames() {
    try {
      return Object.keys(localStorage).filter((name) => name.startsWith(prefix));
    } catch {
      return [];
    }
  }

  const isChat = (chat) => chat && typeof chat.id === 'string' && Array.isArray(chat.messages);
  const newestFirst = (a, b) => b.updated - a.updated;

  const chats = storedNames().map(read).filter(isChat).sort(newestFirst);
  const settings = { ...defaults, ...read('anemone-settings') };

  function save(chat) {
    chat.updated = Date.now();
    chats.sort(newestFirst);
    return !chat.messages.length || write(prefix + chat.id, chat);
  }

  const saveSettings = () => write('anemone-settings', settings);

  /* There is never more than one empty chat. */
  function add() {
    const empty = chats.find((chat) => !chat.messages.length);
    if (empty) return empty;
    const id = Date.now().toString(36) + Math.random().toString(36).slice(2, 7);
    const chat = { id, title: 'New chat', updated: Date.now(), messages: [] };
    chats.unshift(chat);
    return chat;
  }

  function forget(chat) {
    try {
      localStorage.removeItem(prefix + chat.id);
    } catch {
      /* it was never kept */
    }
  }

  function remove(chat) {
    chats.splice(chats.indexOf(chat), 1);
    forget(chat);
  }

  function clear() {
    chats.forEach(forget);
    chats.length = 0;
  }

  /* What another page wrote or deleted; `shown` is not touched. */
  function follow({ key, newValue }, shown) {
    if (!key?.startsWith(prefix)) return false;
    const at = chats.findIndex((chat) => prefix + chat.id === key);
    if (at >= 0 && chats[at] === shown) return false;
    if (at >= 0) chats.splice(at, 1);
    const chat = newValue && read(key);
    if (isChat(chat)) chats.push(chat);
    chats.sort(newestFirst);
    return true;
  }

  return { chats, settings, save, saveSettings, add, remove, clear, follow };
})();
