// Opens a WebSocket for each case and tells what the application sees of it. For any WebSocket with the browsers' interface.

/** Milliseconds that a client has to mind what it was sent; then it is asked to say goodbye, and has as long again. */
const PATIENCE = 2500

/**
 * @param {typeof globalThis.WebSocket} WebSocket
 * @param {string} base such as `ws://127.0.0.1:8888/name`
 * @param {string[]} cases controls, such as `send=masked`
 */
export function runCases(WebSocket, base, cases) {
  return Promise.all(cases.map(query => runCase(WebSocket, `${base}/${encodeURIComponent(query)}?eb-${query}`, query)))
}

function runCase(WebSocket, url, query) {
  return new Promise(resolve => {
    const seen = { query, opened: false, messages: 0, code: null, wentOn: false }
    const socket = new WebSocket(url, ['chat'])
    let timer
    const onPatienceOver = () => {
      seen.wentOn = true
      timer = setTimeout(() => resolve(seen), PATIENCE)
      socket.close(1000)
    }
    // Browsers open one connection after another, so the time begins with the opening.
    timer = setTimeout(onPatienceOver, 10 * PATIENCE)
    socket.addEventListener('open', () => {
      seen.opened = true
      clearTimeout(timer)
      timer = setTimeout(onPatienceOver, PATIENCE)
    })
    socket.addEventListener('message', () => seen.messages++)
    socket.addEventListener('error', () => {})
    socket.addEventListener('close', ({ code }) => {
      clearTimeout(timer)
      seen.code = code
      resolve(seen)
    })
  })
}

if (globalThis.process?.argv[2] === 'run') {
  const [, , , name, base, ...cases] = process.argv
  const { WebSocket } = name === 'ws' ? await import('ws') : globalThis
  console.log(JSON.stringify(await runCases(WebSocket, base, cases)))
  process.exit(0)
}
