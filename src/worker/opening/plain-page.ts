// What a browser shows that was pointed at the service as at a web page: the refusal as a small page, which says how to connect.

import { createHash } from 'node:crypto'
import { type RefusalBody, refusalResponse } from '../../protocol/handshake-response.js'
import type { Refusal, UpgradeRequest } from '../../protocol/upgrade-request.js'

const STYLE =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:10vh auto;padding:0 16px}' +
  'pre{padding:12px;overflow-x:auto;background:light-dark(#eef2f7,#1c2530);border-radius:6px}'

/** Nothing of the request is in it: the address is the browser's own. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>This is a WebSocket echo service, and a browser asked it for a page</title>
<style>${STYLE}</style>
</head>
<body>
<h1>A WebSocket echo service</h1>
<p>There is nothing to look at here: this address speaks WebSocket, and every message that a client sends comes back as it was
sent. Connect with any WebSocket client to the address above, with <code>ws://</code> in place of <code>http://</code>, or
<code>wss://</code> in place of <code>https://</code>.</p>
<p>In this browser: open the developer tools on this page, and paste into the console</p>
<pre>socket = new WebSocket(location.href.replace(/^http/, 'ws'))
socket.onmessage = ({ data }) =&gt; console.log(data)
socket.onopen = () =&gt; socket.send('Hello')</pre>
</body>
</html>
`

const BODY: RefusalBody = {
  text: PAGE,
  fields: {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
      "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
  },
}

/** The response, or undefined for whoever does not ask for HTML, or for another refusal. */
export function plainPage(refusal: Refusal, { method, rawHeaders }: UpgradeRequest): string | undefined {
  if (refusal.reason !== 'not_upgrade' || (method !== 'GET' && method !== 'HEAD')) return undefined
  const asksForHtml = rawHeaders.some(
    (name, i) => i % 2 === 0 && name.toLowerCase() === 'accept' && /\btext\/html\b/i.test(rawHeaders[i + 1]),
  )
  return asksForHtml ? refusalResponse(refusal, method === 'GET', BODY) : undefined
}
