// What a test file leaves behind when it is killed: nothing that runs, and nothing that is stopped.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

const WATCHDOG = new URL('../../support/watchdog.js', import.meta.url)

/** Stands for a test file: starts three processes that have its stdout too, and says that all are there. */
const TEST_FILE = `
  import { spawn } from 'node:child_process'
  import { once } from 'node:events'
  import { endWithUs, stopUntilOurEnd } from '${WATCHDOG}'
  const start = code => {
    const child = spawn(process.execPath, ['-e', code + ';process.send(0)'], { stdio: ['ignore', 'inherit', 'ignore', 'ipc'] })
    return { child, ready: once(child, 'message') }
  }
  const ended = start('process.exitCode = 0')
  const running = start('setInterval(() => {}, 1000);process.on("disconnect", () => {})')
  const stopped = start('setInterval(() => {}, 1000);process.on("disconnect", () => process.exit())')
  for (const { child } of [ended, running]) endWithUs(child)
  const exit = once(ended.child, 'exit')
  await Promise.all([ended.ready, running.ready, stopped.ready])
  await exit
  stopUntilOurEnd(stopped.child.pid)
  console.log('there')
`

test('all that is left of a test file that is killed ends with it', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', TEST_FILE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const [line] = await once(lines, 'line')
  assert.equal(line, 'there')
  child.kill('SIGKILL')
  // Closed once nobody has the other end any more.
  await once(child, 'close')
})
