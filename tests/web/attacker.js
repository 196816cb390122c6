// Somebody else's server: on another site (127.0.0.1), and on the portal's own site (another port of localhost).

import { createServer } from 'node:https';

/** Serves whatever `pages` holds by path, and keeps the paths that were asked. */
export async function attacker(portal) {
  const pages = new Map();
  const asked = [];
  const server = createServer(portal.tls, (request, response) => {
    // A browser asks for an icon by itself.
    if (request.url !== '/favicon.ico') asked.push(request.url);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(pages.get(request.url) ?? 'nothing');
  });
  await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
  const { port } = server.address();
  return {
    pages,
    asked,
    elsewhere: `https://127.0.0.1:${port}`,
    sameSite: `https://localhost:${port}`,
    stop: () => new Promise((over) => { server.closeAllConnections(); server.close(over); }),
  };
}

/** A page that posts these fields to the portal as soon as it is opened. */
export function postingPage(action, fields, encoding = 'application/x-www-form-urlencoded') {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
  return `<!doctype html><form method="post" action="${action}" enctype="${encoding}">${inputs.join('')}</form>
    <script>document.forms[0].submit()</script>`;
}
