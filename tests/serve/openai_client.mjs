// SPDX-License-Identifier: MIT
// The server through OpenAI's own client. usage: openai_client.mjs BASE_URL [ENCODER]
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const [baseURL, encoder] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: 'test-key', maxRetries: 0 });
const WHO = 'I am Anemone, the tiny demo language model of the anemone project.';
const messages = [{ role: 'user', content: 'Who are you?' }];
const chat = { model: 'demo', messages, temperature: 0 };

async function whole() {
  const answer = await client.chat.completions.create(chat);
  assert.equal(answer.choices[0].message.content, WHO);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
}

async function stream() {
  const chunks = [];
  const options = { ...chat, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create(options)) chunks.push(chunk);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('');
  assert.equal(text, WHO);
  assert.ok(chunks.length > 8, 'in pieces');
  assert.ok(chunks.at(-1).usage.completion_tokens > 8);
}

/* The client's own reader of streams, which puts a whole answer together. */
async function helper() {
  const runner = client.chat.completions.stream(chat);
  let text = '';
  runner.on('content', (piece) => (text += piece));
  assert.equal(await runner.finalContent(), WHO);
  assert.equal(text, WHO);
}

async function completion() {
  const answer = await client.completions.create({
    model: 'demo', prompt: ['Once upon a time', 'The fox'], max_tokens: 4, temperature: 0, echo: true,
    logprobs: 2,
  });
  assert.equal(answer.choices.length, 2);
  assert.ok(answer.choices[0].text.startsWith('Once upon a time'));
  assert.equal(answer.choices[0].logprobs.token_logprobs[0], null);
}

async function structured() {
  const answer = await client.chat.completions.create({
    ...chat, max_tokens: 200,
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'answer', strict: true,
        schema: {
          type: 'object', required: ['yes'], additionalProperties: false,
          properties: { yes: { type: 'boolean' } },
        },
      },
    },
  });
  assert.equal(typeof JSON.parse(answer.choices[0].message.content).yes, 'boolean');
}

async function errors() {
  await assert.rejects(client.chat.completions.create({ ...chat, model: 'other' }),
    (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found');
  await assert.rejects(client.chat.completions.create({ ...chat, temperature: 9 }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature');
  const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
}

async function cancel() {
  const answer = await client.chat.completions.create({
    ...chat, stream: true, max_tokens: 400, logit_bias: { 2047: -100 },
  });
  for await (const chunk of answer) if (chunk) break; /* aborts the request */
}

async function models() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.includes('demo'));
  assert.equal((await client.models.retrieve('demo')).id, 'demo');
}

async function embeddings() {
  if (!encoder) return;
  const answer = await client.embeddings.create({ model: encoder, input: ['a b', 'c'] });
  assert.equal(answer.data.length, 2);
  for (const { embedding } of answer.data) {
    const square = embedding.reduce((sum, value) => sum + value * value, 0);
    assert.ok(Math.abs(square - 1) < 1e-4, 'of length one');
  }
}

async function together() {
  const all = await Promise.all(Array.from({ length: 8 }, () => client.chat.completions.create(chat)));
  for (const answer of all) assert.equal(answer.choices[0].message.content, WHO);
}

for (const test of [whole, stream, helper, completion, structured, errors, cancel, models,
  embeddings, together]) {
  await test();
  console.log(`ok ${test.name}`);
}
