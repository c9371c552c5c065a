// What the user chose that experiments depend on, and the variants that most of them measure: the peers.

import type { Variant } from './experiment.js'
import { type PeerName, peerCommand, type Scheme } from './peers.js'

export interface Plan {
  readonly peers: readonly PeerName[]
  /** Workers of the peers that have any, and cores of all. */
  readonly workers: number
  readonly span: { readonly seconds: number; readonly warmup: number }
}

export function peerVariants({ peers, workers }: Plan, scheme: Scheme = 'ws'): Variant[] {
  return peers.map(name => ({ name, command: peerCommand(name, workers, scheme), cores: workers }))
}
