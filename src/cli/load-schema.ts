// The options of `echobahn load`: one schema is flags, defaults, help and the table in docs/load.md.

import { z } from 'zod'
import type { LoadSettings } from '../load-settings.js'
import { compression, header, httpUrl, outputFile, perSecond, rate, sizes, threshold } from './load-values.js'
import { flag, list, type Option, option, optional, optionsOf, secret, type Texts } from './option.js'
import { bearerToken, duration, host, oneOf, origin, pemFile, port, size, token, wholeNumber } from './values.js'

export const LOAD_GROUPS = ['Load', 'Messages', 'Connections', 'Limits', 'Output'] as const

/** Settings as they are given: `compression` is unpacked, and what has no bound is undefined, until `fillIn`. */
type Given = Omit<LoadSettings, 'urls' | 'compression' | 'messages' | 'duration'> & {
  readonly compression: { readonly offers: string | undefined }
  readonly messages: number | undefined
  readonly duration: number | undefined
}
type Fields = { [Field in keyof Given]: z.ZodType<Given[Field], Texts> }

/** Milliseconds. */
const USUAL_DURATION = 10_000
const MANY = 2 ** 31 - 1
const MIB = 2 ** 20

const fields: Fields = {
  rate: optional(rate, {
    group: 'Load',
    default: 'none',
    help: 'Messages per second in all, due by a schedule whatever the server does: the open loop.',
  }),
  steps: option(wholeNumber(0, 1000), {
    group: 'Load',
    default: '0',
    help: 'Equal steps in which a rate goes from one value to another; 0 goes evenly.',
  }),
  arrivals: option(oneOf('constant', 'poisson'), {
    group: 'Load',
    default: 'constant',
    help: 'Whether messages are due evenly, or at random as those of independent users are.',
  }),
  inFlight: optional(wholeNumber(1, 100_000), {
    group: 'Load',
    default: 'none',
    help: 'Messages under way on each connection, each echo making room for the next: the closed loop, which slows down with the server.',
  }),
  think: option(duration(0), {
    group: 'Load',
    default: '0',
    help: 'Pause between an echo and the next message of the closed loop.',
  }),
  duration: optional(duration(1), {
    group: 'Load',
    default: '10s, or until all messages are sent',
    help: 'How long messages are sent.',
  }),
  messages: optional(wholeNumber(1, Number.MAX_SAFE_INTEGER), {
    group: 'Load',
    default: 'no bound',
    help: 'Messages in all, after which it is over.',
  }),
  findLimit: flag({
    group: 'Load',
    default: 'off',
    help: 'Search for the highest rate that holds, from --rate or 1000 on, in trials of the given duration.',
  }),
  p99: option(duration(1), {
    group: 'Load',
    default: '20ms',
    help: 'Echo latency that 99 % of the messages must keep for --find-limit to hold a rate.',
  }),

  payload: option(oneOf('text', 'json', 'binary', 'random'), {
    group: 'Messages',
    default: 'text',
    help: 'What messages are made of: words, JSON lines, records of numbers, or octets that do not compress.',
  }),
  size: option(sizes, { group: 'Messages', default: '64', help: 'Octets of a message.' }),
  fragment: option(size(0, 64 * MIB), {
    group: 'Messages',
    default: '0',
    help: 'Largest frame, above which a message goes in several; 0 is never.',
  }),
  ping: option(duration(0), {
    group: 'Messages',
    default: '0',
    help: 'Time between the pings of a connection, whose round trips are told apart; 0 is none.',
  }),

  connections: option(wholeNumber(1, 1_000_000), {
    group: 'Connections',
    default: '1',
    help: 'Connections in all, which take the URLs in turn.',
  }),
  ramp: option(duration(0), {
    group: 'Connections',
    default: '0',
    help: 'Time over which they are opened; 0 is as fast as they open, 64 at a time.',
  }),
  churn: option(perSecond, {
    group: 'Connections',
    default: '0',
    help: 'Connections per second that leave when their messages are back, for others to come.',
  }),
  compression: option(compression, {
    group: 'Connections',
    default: 'off',
    help: 'What to offer of permessage-deflate (RFC 7692); on is what browsers offer.',
  }),
  subprotocol: list(token, { group: 'Connections', default: 'none', help: 'Subprotocol to offer.' }),
  header: list(header, { group: 'Connections', default: 'none', help: 'Header field of the opening handshake.' }),
  origin: optional(origin, { group: 'Connections', default: 'none', help: 'Value of the Origin header.' }),
  ca: optional(pemFile, {
    group: 'Connections',
    default: "Node's",
    help: 'Certificates that wss servers are checked against.',
  }),
  insecure: flag({
    group: 'Connections',
    default: 'off',
    help: 'Do not check the certificates of wss servers.',
  }),
  servername: optional(host, {
    group: 'Connections',
    default: "the URL's host",
    help: 'Name that a wss server is asked for (SNI) and checked against.',
  }),
  http2: flag({ group: 'Connections', default: 'off', help: 'Connect over HTTP/2 (RFC 8441).' }),
  streams: option(wholeNumber(1, 100_000), {
    group: 'Connections',
    default: '100',
    help: 'WebSockets of one HTTP/2 session at most.',
  }),
  timeout: option(duration(1), {
    group: 'Connections',
    default: '10s',
    help: 'How long an opening handshake, an echo and a closing handshake may take each.',
  }),
  threads: option(wholeNumber(1, 1024), {
    group: 'Connections',
    default: '1',
    help: 'Threads that share the connections and the rate.',
  }),

  max: list(threshold, {
    group: 'Limits',
    default: 'none',
    help: 'Bound on the results: above it the exit code is 99.',
  }),

  json: optional(outputFile, {
    group: 'Output',
    default: 'none',
    help: 'File for all results, which echobahn load merge can read.',
  }),
  csv: optional(outputFile, { group: 'Output', default: 'none', help: 'File for the results of each second.' }),
  hgrm: optional(outputFile, {
    group: 'Output',
    default: 'none',
    help: 'File for the percentiles of the echo latency, as HdrHistogram plotters read them.',
  }),
  html: optional(outputFile, { group: 'Output', default: 'none', help: 'File for a report with charts.' }),
  metricsPort: optional(port, {
    group: 'Output',
    default: 'none',
    help: 'Port on 127.0.0.1 for metrics of the load itself, for Prometheus; 0 takes a free one.',
  }),
  admin: optional(httpUrl, {
    group: 'Output',
    default: 'none',
    help: "Admin server of the echobahn under load, whose counts must then agree with the client's.",
  }),
  adminToken: secret(bearerToken, {
    group: 'Output',
    default: 'none',
    help: 'Bearer token that the admin server asks for.',
  }),
}

const fieldsSchema = z.object(fields)

/** Turns what the user gave, by field, into the settings in force, but for the URLs. */
export const loadSchema = fieldsSchema.transform(
  (given): Omit<LoadSettings, 'urls'> => ({
    ...given,
    compression: given.compression.offers,
    messages: given.messages ?? Number.POSITIVE_INFINITY,
    duration: given.duration ?? (given.messages === undefined ? USUAL_DURATION : MANY),
  }),
)

/** All options of `echobahn load`, in the order of help. */
export const LOAD_OPTIONS: readonly Option[] = optionsOf(fields, undefined)

/** Those of `echobahn load merge`. */
export const MERGE_OPTIONS: readonly Option[] = LOAD_OPTIONS.filter(({ field }) =>
  ['max', 'json', 'csv', 'hgrm', 'html'].includes(field),
)
