// What the RFCs have a client do about a violation, and whether it did.

/**
 * `must` and `should`: the RFC has whoever receives it fail the connection. `none`: the RFC forbids sending it and leaves
 * open what the receiver does; nearly all fail the connection. `go-on`: it is legal, however odd.
 */
export type Duty = 'must' | 'should' | 'none' | 'go-on'

export interface Expectation {
  readonly duty: Duty
  /** Close codes that fit; section 7.1.7 of RFC 6455 lets a client also drop TCP without a Close. */
  readonly codes: readonly number[]
  /** Where it is written, such as `RFC 6455 section 5.1`. */
  readonly source: string
}

/** How a connection stands, or ended, after a violation. */
export interface Outcome {
  readonly open: boolean
  /** Code of the Close that came; 1005 for one without; null when none came. */
  readonly closeReceived: number | null
  /** Code of the error for which the server failed the client in turn; null for none. */
  readonly error: string | null
  /** Who ended TCP first. */
  readonly droppedBy: 'client' | 'server' | null
}

export interface Judgement {
  /** What the client did, such as `failed with 1002`. */
  readonly client: string
  /** Whether that is what the RFC asks for; null where it asks for nothing, or the client may still do it. */
  readonly right: boolean | null
}

export function judge({ duty, codes }: Expectation, { open, closeReceived, error, droppedBy }: Outcome): Judgement {
  if (closeReceived !== null) {
    if (codes.includes(closeReceived)) return { client: `failed with ${closeReceived}`, right: asked(duty, true) }
    // An ordinary goodbye: it did not mind.
    const minds = closeReceived !== 1000 && closeReceived !== 1001 && closeReceived !== 1005
    const client = minds ? `failed with ${closeReceived}` : `went on, and closed with ${closeReceived}`
    return { client, right: asked(duty, minds) }
  }
  if (error !== null) return { client: `broke the protocol in turn (${error})`, right: asked(duty, false) }
  if (open) return { client: 'has done nothing yet', right: duty === 'go-on' ? true : null }
  if (droppedBy === 'client') return { client: 'ended TCP without a Close', right: asked(duty, true) }
  return { client: 'did nothing until the server ended TCP', right: asked(duty, false) }
}

function asked(duty: Duty, failed: boolean): boolean | null {
  if (duty === 'none') return null
  return failed === (duty !== 'go-on')
}
