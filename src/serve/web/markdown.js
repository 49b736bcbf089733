/* SPDX-License-Identifier: MIT */
/*
 * Markdown to DOM nodes, for answers that are still being written: each call gets the whole text so
 * far, and only blocks whose source changed are made anew, so a selection in a finished block stays.
 * Text never becomes HTML: nodes are created and given text, so nothing a model says can run.
 */
'use strict';

const Markdown = (() => {
  const element = (name, ...children) => {
    const node = document.createElement(name);
    node.append(...children);
    return node;
  };

  /* Inline forms in the order in which they are tried; each starts at the text's beginning. */
  const inlineForms = [
    [/^(`+)([^]*?[^`])\1(?!`)/, (m) => element('code', m[2].replace(/^ (.*) $/, '$1'))],
    [/^\\([\\`*_{}\[\]()#+\-.!|~<>])/, (m) => m[1]],
    [
      /^!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?((?:[^\s()>]|\([^\s()]*\))+)>?(?:\s+"[^"]*")?\s*\)/,
      (m) => link(m[2], inline(m[1])),
    ],
    [/^<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], [m[1]])],
    [/^https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"*_]/, (m) => link(m[0], [m[0]])],
    [/^\*\*(?=\S)([^]*?\S)\*\*(?!\*)/, (m) => element('strong', ...inline(m[1]))],
    [/^__(?=\S)([^]*?\S)__(?!\w)/, (m) => element('strong', ...inline(m[1]))],
    [/^\*(?=[^\s*])([^]*?[^\s*])\*(?!\*)/, (m) => element('em', ...inline(m[1]))],
    [/^_(?=[^\s_])([^]*?[^\s_])_(?!\w)/, (m) => element('em', ...inline(m[1]))],
    [/^~~(?=\S)([^]*?\S)~~/, (m) => element('del', ...inline(m[1]))],
    [/^(?: {2,}|\\)\n/, () => element('br')],
  ];

  /* Only web and mail addresses become links; any other scheme stays text. */
  function link(target, children) {
    if (!/^(https?:|mailto:)/i.test(target)) return element('span', ...children);
    const node = element('a', ...children);
    node.href = target;
    node.rel = 'noopener noreferrer';
    node.target = '_blank';
    return node;
  }

  /* Emphasis by "_" does not start within a word: snake_case_names stay as they are. */
  function matchInline(text, previous) {
    if (text[0] === '_' && /\w/.test(previous)) return null;
    if (text[0] === 'h' && /\w/.test(previous)) return null;
    for (const [pattern, make] of inlineForms) {
      const match = pattern.exec(text);
      if (match) return [match[0].length, make(match)];
    }
    return null;
  }

  function inline(text) {
    const nodes = [];
    let plain = '';
    for (let at = 0; at < text.length;) {
      const found =
        /[`\\!\[<h*_~ ]/.test(text[at]) && matchInline(text.slice(at), text[at - 1] || ' ');
      if (!found) {
        plain += text[at++];
        continue;
      }
      if (plain) nodes.push(plain);
      plain = '';
      nodes.push(found[1]);
      at += found[0];
    }
    if (plain) nodes.push(plain);
    return nodes;
  }

  const fenceStart = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
  const listItem = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;
  const heading = /^ {0,3}(#{1,6})(?: +|$)(.*?)(?: +#+)? *$/;
  const rule = /^ {0,3}([-*_])(?: *\1){2,} *$/;
  const tableRule = /^ *\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/;

  const isBlank = (line) => /^\s*$/.test(line);

  function endOfFence(lines, at) {
    const mark = fenceStart.exec(lines[at])[1];
    for (let i = at + 1; i < lines.length; i++)
      if (new RegExp(`^ {0,3}${mark[0]}{${mark.length},} *$`).test(lines[i])) return i + 1;
    return lines.length;
  }

  /* A list goes on over blank lines as long as what follows is indented or another item. */
  function endOfList(lines, at) {
    let i = at + 1;
    while (i < lines.length) {
      if (fenceStart.test(lines[i].trimStart()) && /^ {2,}/.test(lines[i])) {
        i = endOfFence(
          lines.map((l) => l.trimStart()),
          i,
        );
        continue;
      }
      if (isBlank(lines[i])) {
        const next = lines[i + 1];
        if (next === undefined || !(listItem.test(next) || /^ {2,}\S/.test(next))) return i;
      } else if (heading.test(lines[i]) || fenceStart.test(lines[i]) || rule.test(lines[i]))
        return i;
      i++;
    }
    return i;
  }

  function endOfParagraph(lines, at) {
    let i = at + 1;
    while (
      i < lines.length &&
      !isBlank(lines[i]) &&
      !heading.test(lines[i]) &&
      !fenceStart.test(lines[i]) &&
      !/^ {0,3}>/.test(lines[i]) &&
      !listItem.test(lines[i]) &&
      !rule.test(lines[i])
    )
      i++;
    return i;
  }

  const isTable = (lines, at) =>
    lines[at].includes('|') && at + 1 < lines.length && tableRule.test(lines[at + 1]);

  function endWhile(lines, at, test) {
    let i = at;
    while (i < lines.length && test(lines[i])) i++;
    return i;
  }

  /* The kind of the block that starts at a line, and the line after its end. */
  function blockAt(lines, at) {
    const line = lines[at];
    if (fenceStart.test(line)) return ['fence', endOfFence(lines, at)];
    if (heading.test(line)) return ['heading', at + 1];
    if (rule.test(line)) return ['rule', at + 1];
    if (/^ {0,3}>/.test(line)) return ['quote', endWhile(lines, at, (l) => /^ {0,3}>/.test(l))];
    if (listItem.test(line)) return ['list', endOfList(lines, at)];
    if (isTable(lines, at))
      return ['table', endWhile(lines, at, (l) => l.includes('|') && !isBlank(l))];
    return ['paragraph', endOfParagraph(lines, at)];
  }

  function blocks(text) {
    const lines = text.replace(/\t/g, '    ').split('\n');
    const found = [];
    for (let at = 0; at < lines.length;) {
      if (isBlank(lines[at])) {
        at++;
        continue;
      }
      const [kind, end] = blockAt(lines, at);
      found.push({ kind, lines: lines.slice(at, end) });
      at = end;
    }
    return found;
  }

  function copyButton(code) {
    const button = element('button', 'Copy');
    button.type = 'button';
    button.className = 'copy';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(code);
      button.textContent = 'Copied';
      setTimeout(() => {
        button.textContent = 'Copy';
      }, 1200);
    });
    return button;
  }

  function makeFence(lines) {
    const [, mark, language] = fenceStart.exec(lines[0]);
    const closed =
      lines.length > 1 &&
      new RegExp(`^ {0,3}${mark[0]}{${mark.length},} *$`).test(lines[lines.length - 1]);
    const code = lines.slice(1, closed ? -1 : undefined).join('\n');
    const bar = element('div', element('span', language || 'text'), copyButton(code));
    bar.className = 'code-bar';
    const node = element('div', bar, element('pre', element('code', code)));
    node.className = 'code';
    return node;
  }

  /* Items of a list, each with its own lines, the marker's indentation taken away. */
  function splitItems(lines) {
    const base = listItem.exec(lines[0])[1].length;
    const items = [];
    let width = 0;
    for (const line of lines) {
      const match = listItem.exec(line);
      if (match && match[1].length < base + 2 && (!items.length || match[1].length <= base + 1)) {
        width = match[1].length + match[2].length + 1;
        items.push([line.slice(match[0].length)]);
      } else {
        const indent = /^ */.exec(line)[0].length;
        items[items.length - 1].push(line.slice(Math.min(indent, width)));
      }
    }
    return items;
  }

  function makeItem(lines, loose) {
    const inner = blocks(lines.join('\n'));
    const item = element('li');
    for (const block of inner) {
      if (block.kind === 'paragraph' && !loose) item.append(...inline(block.lines.join('\n')));
      else item.append(make(block));
    }
    return item;
  }

  function makeList(lines) {
    const marker = listItem.exec(lines[0])[2];
    const list = element(/\d/.test(marker) ? 'ol' : 'ul');
    if (/\d/.test(marker)) list.start = parseInt(marker, 10);
    const items = splitItems(lines);
    const loose = items.some((item, i) => i + 1 < items.length && isBlank(item[item.length - 1]));
    list.append(...items.map((item) => makeItem(item, loose)));
    return list;
  }

  const cells = (line) =>
    line
      .trim()
      .replace(/^\|/, '')
      .replace(/\|$/, '')
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());

  function makeTable(lines) {
    const sides = cells(lines[1]).map((c) =>
      /^:.*:$/.test(c) ? 'center' : /:$/.test(c) ? 'right' : 'left',
    );
    const row = (line, kind) =>
      element(
        'tr',
        ...cells(line)
          .slice(0, sides.length)
          .map((text, i) => {
            const cell = element(kind, ...inline(text));
            cell.className = sides[i];
            return cell;
          }),
      );
    const table = element(
      'table',
      element('thead', row(lines[0], 'th')),
      element('tbody', ...lines.slice(2).map((line) => row(line, 'td'))),
    );
    const node = element('div', table);
    node.className = 'table';
    return node;
  }

  function make({ kind, lines }) {
    switch (kind) {
      case 'fence':
        return makeFence(lines);
      case 'heading': {
        const [, marks, text] = heading.exec(lines[0]);
        return element(`h${Math.min(marks.length + 1, 6)}`, ...inline(text));
      }
      case 'rule':
        return element('hr');
      case 'quote':
        return element(
          'blockquote',
          ...blocks(lines.map((l) => l.replace(/^ {0,3}> ?/, '')).join('\n')).map(make),
        );
      case 'list':
        return makeList(lines);
      case 'table':
        return makeTable(lines);
      default:
        return element('p', ...inline(lines.map((l) => l.trimStart()).join('\n')));
    }
  }

  const sources = new WeakMap();

  /* Makes the children of `parent` the blocks of `text`, keeping those that did not change. */
  function render(parent, text) {
    const known = sources.get(parent) || [];
    const found = blocks(text);
    const now = found.map((block) => block.kind + '\n' + block.lines.join('\n'));
    let same = 0;
    while (same < now.length && same < known.length && now[same] === known[same]) same++;
    while (parent.childNodes.length > same) parent.lastChild.remove();
    parent.append(...found.slice(same).map(make));
    sources.set(parent, now);
  }

  return { render };
})();
