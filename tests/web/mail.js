// What the SMTP server received: it keeps each mail as a file of a Maildir.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './portal.js';

/** Every mail that arrived, oldest first: `{ to, subject, headers, text, html }`. */
export function received(portal) {
  const folder = join(portal.mailFolder, 'new');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).sort().map((name) => read(readFileSync(join(folder, name), 'latin1')));
}

/** Waits for a mail to `address` for which `fits` is true. */
export function mailTo(portal, address, fits = () => true, most = 20_000) {
  const find = () => received(portal).findLast((mail) => mail.to.includes(address) && fits(mail));
  return until(`a mail to ${address}`, find, most);
}

/** The first link into the portal in the mail's text whose path begins so, as a path. */
export function linkIn(mail, portal, path) {
  const found = mail.text.replaceAll('&amp;', '&').match(new RegExp(`${portal.url}(${path}[^\\s>"]*)`));
  if (!found) throw new Error(`no link ${path} in: ${mail.text}`);
  return found[1];
}

function read(source) {
  const { headers, body } = split(source);
  const parts = partsOf(headers, body);
  const part = (type) => parts.find((one) => one.type === type)?.text ?? '';
  return {
    to: decodeWords(headers.to ?? ''),
    subject: decodeWords(headers.subject ?? ''),
    headers,
    text: part('text/plain'),
    html: part('text/html'),
  };
}

function split(source) {
  const [head, ...rest] = source.replaceAll('\r\n', '\n').split('\n\n');
  const lines = head.replace(/\n[ \t]+/g, ' ').split('\n').map((line) => line.split(/:\s*(.*)/s));
  return { headers: Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value])), body: rest.join('\n\n') };
}

function partsOf(headers, body) {
  const kind = headers['content-type'] ?? 'text/plain';
  const boundary = kind.match(/boundary="?([^";]+)/)?.[1];
  if (boundary) {
    return body.split(`--${boundary}`).slice(1, -1).flatMap((piece) => {
      const part = split(piece.replace(/^\n/, ''));
      return partsOf(part.headers, part.body);
    });
  }
  return [{ type: kind.split(';')[0].trim(), text: decode(body, headers['content-transfer-encoding'] ?? '7bit') }];
}

function decode(body, encoding) {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1').toString('utf8');
  return quoted(body.replace(/=\n/g, ''));
}

function quoted(text) {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** `=?utf-8?b?…?=` and `=?utf-8?q?…?=` (RFC 2047). */
function decodeWords(text) {
  return text.replace(/\?=\s+=\?/g, '?==?').replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, how, word) =>
    how.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : quoted(word.replaceAll('_', ' ')));
}
