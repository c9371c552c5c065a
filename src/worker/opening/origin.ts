// Whom a connection is from, where some proxies are trusted to tell: who is connected, whom a PROXY header names, whom a field
// of the request names. There is none of this where no proxy is trusted.

import { AddressSet } from '../../ip-address.js'
import type { Admission } from '../../messages.js'
import { clientOf, type ForwardedHeader } from '../../protocol/forwarded.js'
import type { Endpoint, ProxyHeader } from '../../protocol/proxy-protocol.js'
import { fieldValues, type Refusal, refusal } from '../../protocol/upgrade-request.js'
import type { Proxied } from '../../proxied.js'
import { addressOf } from '../../report/filter.js'
import type { Settings } from '../../settings.js'
import type { Transport } from '../../transport/transport.js'

/** Asks the primary whether the opening is admitted under the limit by address; `told` is called once, or never when it is gone. */
export type AskAdmission = (opening: number, address: string, told: (admission: Admission) => void) => void

const FIELD_NAMES: Readonly<Record<ForwardedHeader, string>> = {
  forwarded: 'Forwarded',
  'x-forwarded-for': 'X-Forwarded-For',
}

/** What all origins of a worker go by. */
export class OriginRules {
  readonly header: ForwardedHeader | undefined
  readonly ask: AskAdmission | undefined
  readonly #trusted: AddressSet

  constructor({ trustedProxies, forwardedHeader, maxConnectionsPerIp }: Settings, ask: AskAdmission) {
    this.header = forwardedHeader === 'none' ? undefined : forwardedHeader
    this.ask = maxConnectionsPerIp > 0 ? ask : undefined
    this.#trusted = new AddressSet(trustedProxies)
  }

  trusts(address: string): boolean {
    return this.#trusted.has(address)
  }
}

export class Origin {
  /** Whether who is connected may speak for others. */
  readonly trusted: boolean
  readonly #rules: OriginRules
  readonly #transport: Transport
  /** Address and port of who is connected. */
  readonly #connected: string
  /** As far as it is known. */
  #address: string
  /** The primary counts by it already. */
  #counted = false

  /** @param connected address and port of who is connected */
  constructor(rules: OriginRules, transport: Transport, connected = transport.peer) {
    this.#rules = rules
    this.#transport = transport
    this.#connected = connected
    this.#address = addressOf(connected)
    this.trusted = rules.trusts(this.#address)
  }

  /** Of one stream of the HTTP/2 session of which this is the origin: its request may tell more. */
  ofStream(transport: Transport): Origin {
    const origin = new Origin(this.#rules, transport, this.#connected)
    origin.#address = this.#address
    origin.#counted = this.#counted
    return origin
  }

  /** Whether no field of the request can name another. */
  get settled(): boolean {
    return this.#rules.header === undefined || !this.#rules.trusts(this.#address)
  }

  /** The proxy has told by a PROXY header. */
  onProxyHeader({ client }: ProxyHeader): void {
    if (client !== undefined) this.#isFrom(client, 'proxy-protocol')
  }

  /**
   * Reads what the proxies told by the request.
   *
   * @param rawHeaders names and values in turn
   */
  readFields(rawHeaders: readonly string[]): Refusal | undefined {
    const { header } = this.#rules
    if (header === undefined || this.settled) return undefined
    const client = clientOf(header, fieldValues(rawHeaders, header), address => this.#rules.trusts(address))
    if (!client.ok) return badField(header, client.problem)
    if (client.value !== undefined) this.#isFrom(client.value, header)
    return undefined
  }

  /** Has the primary count the connection by its address, if it has left that to be found out; calls `told` at once otherwise. */
  admit(opening: number, told: (admission: Admission) => void): void {
    const { ask } = this.#rules
    if (ask === undefined || !this.trusted || this.#counted) return told(0)
    this.#counted = true
    ask(opening, this.#address, told)
  }

  #isFrom({ address, port }: Endpoint, source: Proxied['source']): void {
    this.#address = address
    // Joined, it is one flat string.
    this.#transport.proxied = { peer: [address, port].join(':'), source, proxy: this.#connected }
  }
}

function badField(header: ForwardedHeader, problem: string): Refusal {
  return refusal(400, 'bad_forwarded', `The ${FIELD_NAMES[header]} header is malformed (forwarded-header): ${problem}.`)
}
