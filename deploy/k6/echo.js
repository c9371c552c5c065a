// Load for k6: virtual users that each hold one connection, send messages of mixed sizes one after another, and check
// that every echo equals what was sent. Text and binary take turns; every other user has its messages compressed.
// Ramps up, holds, ramps down. Works with k6 1.1 and later.
// ECHO_URL is where to; VUS how many users at most; RAMP and STEADY how long, as k6 writes durations; MESSAGES how many
// each connection sends; P99 the milliseconds that 99 % of the echoes must keep.

import { check } from 'k6'
import exec from 'k6/execution'
import { Counter, Rate, Trend } from 'k6/metrics'

const { WebSocket } = websockets()

const TARGET = __ENV.ECHO_URL || 'ws://127.0.0.1:8888/'
const VUS = Number(__ENV.VUS || 50)
const RAMP = __ENV.RAMP || '30s'
const STEADY = __ENV.STEADY || '2m'

/** Of one connection; then the user opens another, so that handshakes are part of the load. */
const MESSAGES = Number(__ENV.MESSAGES || 100)
const P99 = Number(__ENV.P99 || 1000)
/** Milliseconds from an echo to the next message. */
const PAUSE = 20
/** Milliseconds after which a connection without its echo has failed. */
const PATIENCE = 10_000
/** Milliseconds that a user waits after a connection that failed: a server that is down is not to be flooded. */
const RETREAT = 1000
/** Characters: small, with a 16-bit length, with a 64-bit length, and the most common one again. Multiples of 4. */
const SIZES = [64, 1024, 70_000, 64]

const echoTime = new Trend('echo_time', true)
const echoes = new Counter('echoes')
const faithful = new Rate('echo_faithful')
const finished = new Counter('connections_finished')

export const options = {
  scenarios: {
    echo: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: [
        { duration: RAMP, target: VUS },
        { duration: STEADY, target: VUS },
        { duration: RAMP, target: 0 },
      ],
      gracefulRampDown: '15s',
    },
  },
  // A rate of nothing at all holds every bound, so that there must be echoes, and connections that came to their end.
  thresholds: {
    checks: ['rate==1'],
    echoes: ['count>0'],
    connections_finished: ['count>0'],
    echo_faithful: ['rate==1'],
    echo_time: [`p(99)<${P99}`],
  },
}

/** Older versions of k6 have the same module under another name. */
function websockets() {
  try {
    return require('k6/websockets')
  } catch {
    return require('k6/experimental/websockets')
  }
}

/** k6 ends the iteration when the connection is closed and no timer is left. */
export default function () {
  const compressed = exec.vu.idInTest % 2 === 0
  const socket = new WebSocket(TARGET, null, compressed ? { compression: 'deflate' } : {})
  socket.binaryType = 'arraybuffer'
  let number = 0
  let sent = ''
  let sentAt = 0
  let closedByUs = false
  let done = false

  const deadline = setTimeout(close, MESSAGES * PAUSE + PATIENCE)

  function close() {
    closedByUs = true
    socket.close(1000)
  }

  function sendNext() {
    if (socket.readyState !== 1) return
    sent = messageOf(number)
    sentAt = Date.now()
    socket.send(isBinary(number) ? octetsOf(sent) : sent)
  }

  /** Once for each connection: where none was made there is an error and no close. */
  function finish() {
    if (done) return
    done = true
    clearTimeout(deadline)
    const good = check(number, {
      'every message came back': count => count === MESSAGES,
      'the connection lasted until we closed it': () => closedByUs,
    })
    finished.add(1)
    if (!good) setTimeout(() => {}, RETREAT)
  }

  socket.addEventListener('open', sendNext)
  socket.addEventListener('message', ({ data }) => {
    const isFaithful = isBinary(number) ? isSame(data, octetsOf(sent)) : data === sent
    echoTime.add(Date.now() - sentAt)
    echoes.add(1)
    faithful.add(isFaithful)
    if (isFaithful) number += 1
    if (!isFaithful || number === MESSAGES) close()
    else setTimeout(sendNext, PAUSE)
  })
  socket.addEventListener('error', ({ error }) => {
    console.error(`${TARGET}: ${error}`)
    finish()
  })
  socket.addEventListener('close', finish)
}

/** Text that names user, iteration and message, so that no echo can be taken for another's. */
function messageOf(number) {
  const name = `${exec.vu.idInTest}/${exec.vu.iterationInScenario}/${number} `
  return name.padEnd(SIZES[number % SIZES.length], isBinary(number) ? 'echo ' : 'äöü echo ')
}

/** Each size goes as text and as binary in turn. */
function isBinary(number) {
  return Math.floor(number / SIZES.length) % 2 === 1
}

/** Octets of binary messages, but for their beginning: k6 is slow at loops over many octets. */
const FILLINGS = new Map(SIZES.map(size => [size, new Uint8Array(size).fill(0xe5)]))

/** The first 64 characters of the text, and as many octets in all as it has characters. */
function octetsOf(text) {
  const octets = new Uint8Array(text.length)
  octets.set(FILLINGS.get(text.length))
  for (let i = 0; i < 64; i++) octets[i] = text.charCodeAt(i)
  return octets.buffer
}

/** Four octets at a time. */
function isSame(echo, sent) {
  if (!(echo instanceof ArrayBuffer) || echo.byteLength !== sent.byteLength) return false
  const [a, b] = [new Int32Array(echo), new Int32Array(sent)]
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
