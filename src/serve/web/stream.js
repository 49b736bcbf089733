/* SPDX-License-Identifier: MIT */
/* Requests to the server of this page: JSON, and answers that arrive as server-sent events. */
'use strict';

const Api = (() => {
  class ApiError extends Error {
    constructor(status, message) {
      super(message);
      this.status = status;
    }
  }

  const headers = (key) => ({
    'Content-Type': 'application/json',
    ...(key ? { Authorization: `Bearer ${key}` } : {}),
  });

  async function failure(response) {
    let message = `the server answered ${response.status}`;
    try {
      message = (await response.json()).error.message || message;
    } catch {
      /* not JSON: the status says enough */
    }
    return new ApiError(response.status, message);
  }

  async function get(path, key) {
    const response = await fetch(path, { headers: headers(key) });
    if (!response.ok) throw await failure(response);
    return response.json();
  }

  /* The data of each event; an event may arrive in pieces, and several at once. */
  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const parts = rest.split(/\r?\n\r?\n/);
      rest = parts.pop();
      for (const part of parts) {
        const data = part
          .split(/\r?\n/)
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice(5).trimStart());
        if (data.length) yield data.join('\n');
      }
    }
  }

  /* Yields the chunks of a chat completion until the server says [DONE]. */
  async function* chat(request, key, signal) {
    const response = await fetch('v1/chat/completions', {
      method: 'POST',
      headers: headers(key),
      body: JSON.stringify({ ...request, stream: true }),
      signal,
    });
    if (!response.ok) throw await failure(response);
    for await (const data of events(response.body)) {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ApiError(500, chunk.error.message);
      yield chunk;
    }
    throw new ApiError(0, 'the connection ended before the answer did');
  }

  return { get, chat };
})();
