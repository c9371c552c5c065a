// A WebSocket client for the containers: `exchange URL` has messages echoed and compares them; `hold NUMBER URL` keeps that
// many connections open until they are closed, and tells their close codes.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'

const MIB = 2 ** 20
const MESSAGES = ['', 'hällo', randomBytes(126), 'compressible '.repeat(10_000), randomBytes(MIB)]

async function exchange(url, perMessageDeflate) {
  const socket = new WebSocket(url, { perMessageDeflate })
  await once(socket, 'open')
  for (const message of MESSAGES) {
    socket.send(message)
    const [echo] = await once(socket, 'message')
    assert.ok(Buffer.from(message).equals(echo))
  }
  socket.close(1000)
  assert.equal((await once(socket, 'close'))[0], 1000)
}

/** One after another, so that a balancer sees each before the next. */
async function hold(number, url) {
  for (let opened = 1; opened <= number; opened++) {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    socket.on('close', code => console.log(`closed ${code}`))
    console.log(`open ${opened}`)
  }
}

const [what, ...parameters] = process.argv.slice(2)
if (what === 'hold') await hold(Number(parameters[0]), parameters[1])
else for (const compressed of [false, true]) await exchange(parameters[0], compressed)
