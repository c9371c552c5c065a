// A cluster worker that takes handles and says what came: `{ id, kind }` for a hand-over, `{ ordinary, kind }` for what came
// by Node's own way. It closes each, but for a socket or handle that it is told to greet. On `exhaust` it opens files until
// none is left, on `release` it closes them.

import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { closeCopy, receiveHandles } from '../../src/handle-channel.js'

export type ToReceiver = { readonly order: 'exhaust' | 'release' } | { readonly ordinary: number }

export type FromReceiver =
  | { readonly id: number; readonly kind: string }
  | { readonly ordinary: number; readonly kind: string }
  | { readonly done: string }

const files: number[] = []

receiveHandles(({ id }, connection) => {
  say({ id, kind: kindOf(connection) })
  if (connection !== undefined) closeCopy(connection)
})

process.on('message', (message: ToReceiver | { type: string }, handle: object | undefined) => {
  if ('ordinary' in message) {
    say({ ordinary: message.ordinary, kind: kindOf(handle) })
    if (handle !== undefined) closeCopy(handle)
  } else if ('order' in message) {
    if (message.order === 'exhaust') exhaust()
    else for (const file of files.splice(0)) closeSync(file)
    say({ done: message.order })
  }
})

say({ done: 'start' })

function exhaust(): void {
  try {
    for (;;) files.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  }
}

function kindOf(handle: object | undefined): string {
  if (handle === undefined) return 'none'
  return handle instanceof Socket ? 'socket' : handle.constructor.name
}

function say(message: FromReceiver): void {
  process.send?.(message)
}
