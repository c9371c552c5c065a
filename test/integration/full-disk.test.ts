// A log on a disk that is full: its lines are lost, and nothing else.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EchoPeer } from '../support/echo-peer.js'
import { parseExposition } from '../support/exposition.js'
import { endWithUs } from '../support/watchdog.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

test('the service starts, reloads and stops, and says how many lines are lost', async t => {
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  const child = spawn(process.execPath, [MAIN, '--port', '0', '--admin-port', '0', '--workers', '2'], {
    stdio: ['ignore', 'pipe', full],
  })
  endWithUs(child)
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
  const [, url, admin] = /^listening (\S+) admin (\S+)$/.exec(String(line)) ?? []
  const peer = await EchoPeer.open(url)
  await peer.echo()
  const lost = async () => {
    const metrics = parseExposition(await (await fetch(`${admin}/metrics`)).text())
    return metrics.get('echobahn_log_lines_lost_total') ?? Number.NaN
  }
  // Two workers are ready, and the service is.
  const atStart = await lost()
  assert.ok(atStart >= 3, `${atStart} lines are lost`)
  assert.equal((await fetch(`${admin}/reload`, { method: 'POST' })).status, 202)
  while ((await lost()) < atStart + 4) await new Promise(resolve => setTimeout(resolve, 20))
  await (await EchoPeer.open(url)).echo()
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})
