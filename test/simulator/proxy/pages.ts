/** The pages that a proxy answers when a program expected something else. */
import { htmlReply, type Reply } from '../reply.ts';

/** A login form, also after a wrong password. Its status is 200: a client that follows redirects finds HTML where it wanted JSON. */
export const loginPage = (action: string): Reply => ({
  status: 200,
  headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' },
  body: `<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Qlik Sense - Login</title></head>
<body><form method="post" action="${action.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">
<input name="username" placeholder="User name"><input name="pwd" type="password" placeholder="Password">
<button>Log in</button></form></body></html>
`,
});

/** What a virtual proxy says that is not linked to the proxy service: a page of about 88 kB, most of it script. */
export const notLinkedPage = (): Reply => {
  const page = htmlReply(400, 'Error 400 - Bad request', 'The http request header is incorrect.');
  return { ...page, body: `${String(page.body)}<!--${'padding '.repeat(11_000)}-->\n` };
};

/** What a virtual proxy says that is called by a name which is not on its Host allow list. */
export const wrongHostPage = (): Reply =>
  htmlReply(400, 'Error 400 - Bad request', 'Contact your system administrator. The http request header is incorrect.');

/** What somebody is told who logged in and is inactive in the QMC. */
export const inactivePage = (): Reply =>
  htmlReply(403, 'Error 403 - Forbidden', 'Your account is inactive. Contact your administrator to activate it.');

/** What the proxy says for a service that it cannot reach. */
export const serviceDownPage = (): Reply =>
  htmlReply(503, 'Error 503 - Service unavailable', 'The service is not available. It may still be starting.');

export const hijackingRefused = (): Reply =>
  htmlReply(403, 'Error 403 - Forbidden', 'Cross-Site Websocket Hijacking attack prevention check failed.');

export const notFound = (): Reply => htmlReply(404, 'Error 404 - Not found', 'The requested resource was not found.');
