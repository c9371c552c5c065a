// The one schema behind flags, environment variables, defaults, help and the README table.

import { availableParallelism, totalmem } from 'node:os'
import { z } from 'zod'
import type { Settings } from '../settings.js'
import { list, type Option, option, optional, optionsOf, secret, type Texts } from './option.js'
import {
  addressBlock,
  bearerToken,
  controlsPrefix,
  defaultControls,
  deflateLevel,
  duration,
  host,
  oneOf,
  origin,
  path,
  pemFile,
  port,
  size,
  textFile,
  token,
  wholeNumber,
} from './values.js'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** A worker's share of the memory budget that the default does not go below: twice the default of max-message. */
const LEAST_SHARE = 32 * MIB
/** A limit of this many is as good as none; it fits the 32 bits that any consumer might use. */
const MANY = 2 ** 31 - 1

/** Options whose default depends on the machine or on other options: undefined until `fillIn`. */
type Computed = 'workers' | 'codecThreads' | 'pingTimeout' | 'memoryBudget'
type Fields = {
  [Field in keyof Settings]: z.ZodType<Field extends Computed ? Settings[Field] | undefined : Settings[Field], Texts>
}

const fields: Fields = {
  host: option(host, { group: 'Listening', default: '127.0.0.1', help: 'Address that WebSocket clients connect to.' }),
  port: option(port, { group: 'Listening', default: '8888', help: 'Port that they connect to; 0 takes a free one.' }),
  path: optional(path, { group: 'Listening', default: 'any path', help: 'Only path that is served; others get 404.' }),
  subprotocol: list(token, {
    group: 'Listening',
    default: "the client's first",
    help: 'Subprotocol that the server speaks; where the client offers several of them, its order decides.',
  }),
  origin: list(origin, {
    group: 'Listening',
    default: 'any origin',
    help: 'Origin that browsers may connect from; others get 403.',
  }),
  tlsCert: optional(pemFile, {
    group: 'Listening',
    default: 'none',
    help: 'Certificate chain, which turns ws into wss; read again on SIGHUP.',
  }),
  tlsKey: optional(pemFile, {
    group: 'Listening',
    default: 'none',
    help: 'Private key of the certificate; read again on SIGHUP.',
  }),
  http2: option(oneOf('on', 'off'), {
    group: 'Listening',
    default: 'on',
    help: 'Whether WebSockets are also served over HTTP/2 (RFC 8441): by ALPN under TLS, else by the connection preface.',
  }),

  trustedProxies: list(addressBlock, {
    group: 'Proxies',
    default: 'none',
    help: 'Address, or CIDR block, of proxies that are believed when they say whom a connection is from.',
  }),
  proxyProtocol: option(oneOf('off', 'required'), {
    group: 'Proxies',
    default: 'off',
    help: 'Whether each connection must begin with a PROXY header, version 1 or 2, from a trusted proxy; others are refused.',
  }),
  forwardedHeader: option(oneOf('none', 'forwarded', 'x-forwarded-for'), {
    group: 'Proxies',
    default: 'none',
    help: 'Header field in which trusted proxies tell whom a request is from; the one that they write, not one that they pass on.',
  }),

  workers: optional(wholeNumber(1, 4096), {
    group: 'Processes',
    default: 'number of cores',
    help: 'Worker processes that own the connections.',
  }),
  distribution: option(oneOf('least-connections', 'round-robin'), {
    group: 'Processes',
    default: 'least-connections',
    help: 'How the worker for a new connection is chosen.',
  }),

  compression: option(oneOf('on', 'off'), {
    group: 'Compression',
    default: 'on',
    help: 'Whether permessage-deflate (RFC 7692) is negotiated.',
  }),
  deflateLevel: option(deflateLevel, {
    group: 'Compression',
    default: 'auto',
    help: 'zlib level; auto takes 6 for small messages and 1 for large ones.',
  }),
  memLevel: option(wholeNumber(1, 9), {
    group: 'Compression',
    default: '8',
    help: 'zlib memory level; higher is faster and takes more memory.',
  }),
  windowBits: option(wholeNumber(9, 15), {
    group: 'Compression',
    default: '15',
    help: 'Largest LZ77 window of either direction, as base-2 logarithm of its octets.',
  }),
  contextTakeover: option(oneOf('off', 'on'), {
    group: 'Compression',
    default: 'off',
    help: 'Whether a message may refer to the ones before it: smaller messages, more CPU and memory.',
  }),
  offload: option(oneOf('auto', 'always', 'never'), {
    group: 'Compression',
    default: 'auto',
    help: 'Whether codec threads do the compression; auto does small work inline.',
  }),
  codecThreads: optional(wholeNumber(0, 1024), {
    group: 'Compression',
    default: 'cores / workers, at least 1; 0 without compression',
    help: 'Codec threads of each worker; 0 does all compression inline.',
  }),
  codecQueue: option(wholeNumber(1, MANY), {
    group: 'Compression',
    default: '1024',
    help: 'Messages that may wait for the codec threads of a worker before their connections are no longer read.',
  }),

  maxMessage: option(size(125, GIB), {
    group: 'Limits',
    default: '16MiB',
    help: 'Largest message, inflated; a larger one is closed with 1009.',
  }),
  maxInflateRatio: option(wholeNumber(0, MANY), {
    group: 'Limits',
    default: '0',
    help: 'Largest ratio of inflated to compressed octets; a message above it is closed with 1009; 0 is no limit.',
  }),
  maxConnections: option(wholeNumber(0, MANY), {
    group: 'Limits',
    default: '65536',
    help: 'Connections at a time, of all workers together; more get 503; 0 is no limit.',
  }),
  maxConnectionsPerIp: option(wholeNumber(0, MANY), {
    group: 'Limits',
    default: '0',
    help: 'Connections at a time from one address; more get 429; 0 is no limit.',
  }),
  memoryBudget: optional(size(MIB, 2 ** 50), {
    group: 'Limits',
    default: 'half of the memory of the machine or its cgroup',
    help: 'Memory that may be held for connections, in equal parts for all workers; when a part is full, the connection that holds most of it is closed with 1013.',
  }),
  maxOpenings: option(wholeNumber(0, MANY), {
    group: 'Limits',
    default: '8192',
    help: 'Connections in their opening handshake at a time, of all workers together; above that the oldest are dropped; 0 is no limit.',
  }),
  maxFragments: option(wholeNumber(0, MANY), {
    group: 'Limits',
    default: '0',
    help: 'Frames of one message; more are closed with 1008; 0 is no limit.',
  }),

  handshakeTimeout: option(duration(1), {
    group: 'Timeouts and flow',
    default: '5s',
    help: 'Time for a request to come; also, once a peer has nothing left to read, for its answer to a Close.',
  }),
  pingInterval: option(duration(0), {
    group: 'Timeouts and flow',
    default: '30s',
    help: 'Idle time after which a peer is pinged; 0 is never.',
  }),
  pingTimeout: optional(duration(0), {
    group: 'Timeouts and flow',
    default: '10s, or 0 without pings',
    help: 'Further time after which a peer that stays silent is dropped; 0 is never.',
  }),
  highWaterMark: option(size(1, GIB), {
    group: 'Timeouts and flow',
    default: '1MiB',
    help: 'Unsent octets of a connection above which it is read to the end of the message at hand and no further.',
  }),
  lowWaterMark: option(size(0, GIB), {
    group: 'Timeouts and flow',
    default: '256KiB',
    help: 'Unsent octets at which reading resumes; at most high-water-mark.',
  }),
  slowReaderTimeout: option(duration(0), {
    group: 'Timeouts and flow',
    default: '30s',
    help: 'Time after which a peer that takes less than 1 kB/s of its unsent octets is dropped; 0 is never.',
  }),
  drainTimeout: option(duration(0), {
    group: 'Timeouts and flow',
    default: '10s',
    help: 'Time that connections have to end when the service stops or a worker is replaced.',
  }),
  drainDelay: option(duration(0), {
    group: 'Timeouts and flow',
    default: '0',
    help: 'Time from SIGTERM, at which /readyz turns 503, until the drain begins; connections are accepted and served meanwhile.',
  }),

  controls: option(oneOf('on', 'off', 'all'), {
    group: 'Test controls',
    default: 'on',
    help: 'Whether URLs may ask for test controls; all adds header, cookie and location.',
  }),
  controlsPrefix: option(controlsPrefix, {
    group: 'Test controls',
    default: 'eb-',
    help: 'What a query parameter begins with if it is a control; other parameters are never looked at.',
  }),
  defaultControls: optional(defaultControls, {
    group: 'Test controls',
    default: 'none',
    help: 'Controls of connections that ask for none, without prefix.',
  }),
  controlsHoldTimeout: option(duration(1), {
    group: 'Test controls',
    default: '5m',
    help: 'Time after which a connection is dropped that a control leaves hanging: end=vanish, stall, handshake=hang, close-reply=off.',
  }),
  plainHttp: option(oneOf('refuse', 'describe'), {
    group: 'Test controls',
    default: 'refuse',
    help: 'What answers a GET without upgrade: 426, or 200 with JSON about the request.',
  }),

  reports: option(wholeNumber(0, MANY), {
    group: 'Admin and log',
    default: '100',
    help: 'Cleanly closed connections of each worker whose reports are kept; 0 turns off all reports, of open connections too.',
  }),
  reportsFailed: option(wholeNumber(0, MANY), {
    group: 'Admin and log',
    default: '1000',
    help: 'Connections of each worker that ended otherwise, and as many refused handshakes, whose reports are kept.',
  }),
  reportsSecrets: option(oneOf('mask', 'show'), {
    group: 'Admin and log',
    default: 'mask',
    help: 'Whether reports mask credentials and cookies in headers, queries and subprotocols.',
  }),
  adminHost: option(host, { group: 'Admin and log', default: '127.0.0.1', help: 'Address of the admin server.' }),
  adminPort: option(port, {
    group: 'Admin and log',
    default: '8889',
    help: 'Port of the admin server; 0 takes a free one.',
  }),
  adminAllowedHost: list(host, {
    group: 'Admin and log',
    default: 'IP addresses, localhost and admin-host',
    help: 'Further name under which the admin server answers; under any other it answers 403.',
  }),
  adminToken: secret(bearerToken, {
    group: 'Admin and log',
    default: 'none',
    help: 'Bearer token that the admin server asks for, but not for probes and the files of the console; ps shows it to everybody on the machine.',
  }),
  adminTokenFile: optional(textFile, {
    group: 'Admin and log',
    default: 'none',
    help: 'File that holds the admin token instead; read again on SIGHUP.',
  }),
  logLevel: option(oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'), {
    group: 'Admin and log',
    default: 'info',
    help: 'Least severity that is logged.',
  }),
}

const fieldsSchema = z.object(fields)

/** Turns what the user gave, by field, into the settings in force. */
export const settingsSchema = fieldsSchema.transform(fillIn)

function fillIn(given: z.output<typeof fieldsSchema>): Settings {
  const cores = availableParallelism()
  const workers = given.workers ?? cores
  const threads = given.compression === 'off' ? 0 : Math.max(1, Math.floor(cores / workers))
  return {
    ...given,
    workers,
    codecThreads: given.codecThreads ?? threads,
    memoryBudget: given.memoryBudget ?? Math.max(Math.floor(availableMemory() / 2), workers * LEAST_SHARE),
    pingTimeout: given.pingTimeout ?? (given.pingInterval === 0 ? 0 : 10_000),
  }
}

export const VARIABLE_PREFIX = 'ECHOBAHN_'

/** Octets that the machine has, or that the cgroup of this process may use of them. */
function availableMemory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

export interface ServiceOption extends Option {
  readonly field: keyof Settings
  readonly variable: string
}

/** All options of the service, in the order of the schema. */
export const OPTIONS = optionsOf(fields, VARIABLE_PREFIX) as readonly ServiceOption[]
