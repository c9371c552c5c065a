// Load for k6: virtual users that each hold one connection, send messages of mixed sizes one after another, and check
// that every echo equals what was sent. Ramps up, holds, ramps down.
// ECHO_URL is where to; VUS how many users at most; RAMP and STEADY how long, as k6 writes durations.

import { check } from 'k6'
import { Counter, Rate, Trend } from 'k6/metrics'
import { WebSocket } from 'k6/websockets'

const TARGET = __ENV.ECHO_URL || 'ws://127.0.0.1:8888/'
const VUS = Number(__ENV.VUS || 50)
const RAMP = __ENV.RAMP || '30s'
const STEADY = __ENV.STEADY || '2m'

/** Messages of one connection; then the user opens another, so that handshakes are part of the load. */
const MESSAGES = 100
/** Milliseconds from an echo to the next message. */
const PAUSE = 20
/** Milliseconds after which a connection without its echo has failed. */
const PATIENCE = 10_000
/** Characters: small, with a 16-bit length, with a 64-bit length, and the most common one again. */
const SIZES = [64, 1024, 70_000, 64]

const echoTime = new Trend('echo_time', true)
const echoes = new Counter('echoes')
const faithful = new Rate('echo_faithful')

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
  thresholds: {
    checks: ['rate==1'],
    echo_faithful: ['rate==1'],
    echo_time: ['p(99)<1000'],
  },
}

/** k6 ends the iteration when the connection is closed and no timer is left. */
export default function () {
  const socket = new WebSocket(TARGET)
  let number = 0
  let sent = ''
  let sentAt = 0
  let closedByUs = false

  const deadline = setTimeout(close, MESSAGES * PAUSE + PATIENCE)

  function close() {
    closedByUs = true
    socket.close(1000)
  }

  function sendNext() {
    if (socket.readyState !== 1) return
    sent = messageOf(number)
    sentAt = Date.now()
    socket.send(sent)
  }

  socket.addEventListener('open', sendNext)
  socket.addEventListener('message', ({ data }) => {
    echoTime.add(Date.now() - sentAt)
    echoes.add(1)
    faithful.add(data === sent)
    number += 1
    if (data !== sent || number === MESSAGES) close()
    else setTimeout(sendNext, PAUSE)
  })
  socket.addEventListener('error', ({ error }) => console.error(`${TARGET}: ${error}`))
  socket.addEventListener('close', () => {
    clearTimeout(deadline)
    check(number, {
      'every message came back': count => count === MESSAGES,
      'the connection lasted until we closed it': () => closedByUs,
    })
  })
}

/** Text that names user, iteration and message, so that no echo can be taken for another's. */
function messageOf(number) {
  const name = `${__VU}/${__ITER}/${number} `
  return name.padEnd(SIZES[number % SIZES.length], 'äöü echo ')
}
