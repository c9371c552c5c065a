// Echo server on uWebSockets.js: C++ sockets, frames and compression under a JavaScript handler.
// Arguments CERT KEY, names of PEM files, make it serve wss.

import uWS from '@trufflesuite/uws-js-unofficial'

const MAX_MESSAGE = 16 * 1024 * 1024
/** Unsent octets of a connection above which it would drop messages. */
const MAX_BACKPRESSURE = 64 * 1024 * 1024
const ANY_PORT = 0

// Without a binary for this Node the package falls back to JavaScript, which is another server than the one to measure.
if (uWS.SHARED_COMPRESSOR === undefined) throw new Error(`uWebSockets.js has no binary for Node ${process.version}`)

const [cert, key] = process.argv.slice(2)
const app = cert === undefined ? uWS.App() : uWS.SSLApp({ cert_file_name: cert, key_file_name: key })
app
  .ws('/*', {
    compression: uWS.SHARED_COMPRESSOR | uWS.SHARED_DECOMPRESSOR,
    maxPayloadLength: MAX_MESSAGE,
    maxBackpressure: MAX_BACKPRESSURE,
    message: (socket, message, isBinary) => {
      socket.send(message, isBinary, true)
    },
  })
  .listen('127.0.0.1', ANY_PORT, listener => {
    if (listener === false) throw new Error('cannot listen')
    console.log(`listening ${cert === undefined ? 'ws' : 'wss'}://127.0.0.1:${uWS.us_socket_local_port(listener)}`)
  })
