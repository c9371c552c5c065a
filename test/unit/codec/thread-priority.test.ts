// Priority of codec threads: theirs alone is lowered, and nothing fails where that cannot be.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { it, mock } from 'node:test'
import { Worker } from 'node:worker_threads'
import { yieldToEventLoops } from '../../../src/codec/thread-priority.js'

/** What a thread sees before and after the call: its own priority, by its number. */
const THREAD = `
  import { parentPort, workerData } from 'node:worker_threads'
  import { readlinkSync } from 'node:fs'
  import { getPriority } from 'node:os'
  const { yieldToEventLoops } = await import(workerData)
  const own = () => getPriority(Number(readlinkSync('/proc/thread-self').split('/')[2]))
  const before = own()
  yieldToEventLoops()
  parentPort.postMessage([before, own()])
`
const MODULE = new URL('../../../src/codec/thread-priority.js', import.meta.url)

it('is lower than the event loop’s, which keeps its own', { skip: process.platform !== 'linux' }, async () => {
  const priority = os.getPriority()
  const url = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`)
  const [[before, after]] = await once(new Worker(url, { workerData: MODULE.href }), 'message')
  assert.equal(before, priority)
  assert.equal(after, Math.max(5, priority))
  assert.equal(os.getPriority(), priority)
})

it('stays as it is where it cannot be changed, and without a word', () => {
  const setPriority = mock.method(os, 'setPriority', () => assert.fail('EACCES'))
  syncBuiltinESMExports()
  yieldToEventLoops()
  assert.equal(setPriority.mock.callCount(), process.platform === 'linux' ? 1 : 0)
  mock.method(fs, 'readlinkSync', () => assert.fail('ENOENT'))
  syncBuiltinESMExports()
  yieldToEventLoops()
  assert.equal(setPriority.mock.callCount(), process.platform === 'linux' ? 1 : 0)
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor
  mock.restoreAll()
  const untouched = mock.method(os, 'setPriority', () => {})
  syncBuiltinESMExports()
  Object.defineProperty(process, 'platform', { value: 'darwin' })
  yieldToEventLoops()
  Object.defineProperty(process, 'platform', platform)
  assert.equal(untouched.mock.callCount(), 0)
  mock.restoreAll()
  syncBuiltinESMExports()
})
