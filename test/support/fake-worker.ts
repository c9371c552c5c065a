// Stands for a forked worker process: writes down what it is sent, and says and does what a test wants.

import cluster, { type Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { mock } from 'node:test'
import type { FromWorker, ToWorker } from '../../src/messages.js'

class FakeChild extends EventEmitter {
  readonly signals: string[] = []
  readonly pid: number

  constructor(pid: number) {
    super()
    this.pid = pid
  }

  kill(signal: string): boolean {
    this.signals.push(signal)
    return true
  }
}

export class FakeWorker extends EventEmitter {
  readonly process: FakeChild
  readonly sent: ToWorker[] = []
  connected = true

  constructor(pid: number) {
    super()
    this.process = new FakeChild(pid)
  }

  isConnected(): boolean {
    return this.connected
  }

  send(message: ToWorker, _handle?: object, _options?: object, written?: () => void): boolean {
    this.sent.push(message)
    written?.()
    return true
  }

  say(message: FromWorker): void {
    this.emit('message', message)
  }

  /** Gets ready, as a worker does. */
  getReady(): void {
    this.say({ type: 'awake' })
    this.say({ type: 'ready' })
  }

  die(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.connected = false
    this.process.emit('close', code, signal)
  }

  /** The types of what it was sent. */
  get told(): string[] {
    return this.sent.map(({ type }) => type)
  }
}

/** Forks become fakes until the tests of the file are over, with 101, 102, … as their numbers. @returns those of now on */
export function fakeForks(): FakeWorker[] {
  const forked: FakeWorker[] = []
  mock.method(cluster, 'fork', () => {
    const worker = new FakeWorker(101 + forked.length)
    forked.push(worker)
    return worker as unknown as Worker
  })
  return forked
}
