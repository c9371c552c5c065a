// A worker in the process of a test: what it says to the primary, handles without connections, timers that the test moves.

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { mock, type TestContext } from 'node:test'
import type { FromWorker, ToWorker } from '../../src/messages.js'
import { monotonicNow } from '../../src/messages.js'
import { runWorker } from '../../src/worker/worker.js'
import { FakeHandle } from './fake-handle.js'
import { settingsFor } from './fake-transport.js'

type Listener = (...given: unknown[]) => void

export class WorkerInProcess {
  readonly said: FromWorker[] = []
  readonly log: { readonly level: number; readonly msg: string; readonly [field: string]: unknown }[] = []
  /** Codes that it exited with. */
  readonly exits: unknown[] = []
  readonly #listeners: { readonly event: string; readonly listener: Listener }[] = []

  constructor(t: TestContext, ...flags: string[]) {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const listen = (event: string, listener: Listener): NodeJS.Process => {
      this.#listeners.push({ event, listener })
      return process
    }
    mock.method(process, 'on', listen)
    mock.method(process, 'prependListener', listen)
    mock.method(process, 'exit', (code: unknown) => void this.exits.push(code))
    const before = process.send
    process.send = ((message: FromWorker, _handle: unknown, _options: unknown, then: () => void) => {
      this.said.push(message)
      process.nextTick(then)
      return true
    }) as NonNullable<typeof process.send>
    const { writeSync } = fs
    mock.method(fs, 'writeSync', (fd: number, octets: Buffer, ...rest: []) => {
      if (fd !== 2) return writeSync(fd, octets, ...rest)
      this.log.push(JSON.parse(String(octets)))
      return octets.length
    })
    syncBuiltinESMExports()
    t.after(() => {
      process.send = before as NonNullable<typeof process.send>
      mock.restoreAll()
      syncBuiltinESMExports()
    })
    runWorker()
    this.hear({ type: 'start', worker: 3, settings: settingsFor('--workers', '1', ...flags) })
  }

  /** The primary says this. */
  hear(message: ToWorker): void {
    this.#tell('message', message)
  }

  /** The primary hands over a connection; resolves when the worker has it, or has said otherwise. */
  async take(id: number, handle: FakeHandle | undefined = new FakeHandle(), time = 5000): Promise<FakeHandle> {
    const deadline = monotonicNow() + time
    const handover = { cmd: 'NODE_HANDLE', type: 'handover', id, admission: 0, deadline }
    this.#tell('internalMessage', handover, handle ?? null)
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    return handle ?? new FakeHandle()
  }

  /** The same without its handle. */
  async takeNothing(id: number): Promise<void> {
    this.#tell('internalMessage', { cmd: 'NODE_HANDLE', type: 'handover', id, admission: 0, deadline: 0 }, null)
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }

  /** The newest of what it said of this kind. */
  last<Type extends FromWorker['type']>(type: Type): Extract<FromWorker, { type: Type }> | undefined {
    return this.said.findLast((message): message is Extract<FromWorker, { type: Type }> => message.type === type)
  }

  #tell(event: string, ...given: unknown[]): void {
    for (const each of this.#listeners) if (each.event === event) each.listener(...given)
  }
}
