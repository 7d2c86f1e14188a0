/** endpoints.json: what a running stack writes into its data folder, so that commands and scripts find it. */
import { join } from 'node:path'
import { isObject } from '@sigstack/crypto'
import { FileError, readFileBounded } from '@sigstack/http-client/files'
import type { IdentitySources, Endpoints as WrittenEndpoints } from '@sigstack/stack'
import { CliError } from './errors.ts'
import { codeOf, type Io, setting, textOf } from './io.ts'

/** What the commands need of it. */
export type Endpoints = Omit<WrittenEndpoints, 'files' | 'trust'> & {
  readonly trust: Omit<WrittenEndpoints['trust'], 'mirror'>
}

const limitBytes = 64 * 1024
const maximumServices = 64

/**
 * The data folder: the option, else the environment, else the one beside the caller. Scripts that start the tool put another
 * one in the place of the last by SIGSTACK_DEFAULT_DATA, which, unlike SIGSTACK_DATA, does not come before a profile in use.
 */
export function dataFolder(io: Io, option: string | undefined): string {
  return option ?? setting(io, 'SIGSTACK_DATA') ?? setting(io, 'SIGSTACK_DEFAULT_DATA') ?? './.sigstack'
}

/** Throws `not_running` when there is no such file, `bad_endpoints` when it is not ours. */
export async function readEndpoints(folder: string): Promise<Endpoints> {
  const path = join(folder, 'endpoints.json')
  let text: string
  try {
    text = textOf(await readFileBounded(path, limitBytes, { isRegular: true }), path, 'list of services')
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    if (cause instanceof FileError)
      throw new CliError('bad_endpoints', `${path}: ${cause.message}`, { cause })
    if (codeOf(cause) === 'ENOTDIR')
      throw new CliError('not_running', `${folder} is a file, or lies in one, and a stack keeps a folder`, {
        cause,
        advice: 'Name the folder with --data or SIGSTACK_DATA.',
      })
    throw new CliError('not_running', `no stack is running on the data folder ${folder}`, {
      cause,
      advice: `Start one with \`sigstack up\`, or name its folder with --data or SIGSTACK_DATA (there is no ${path}).`,
    })
  }
  return parseEndpoints(text, path)
}

/** Members that are not known are passed over: a newer stack may say more. */
export function parseEndpoints(text: string, path = 'endpoints.json'): Endpoints {
  const refuse = (complaint: string): CliError =>
    new CliError('bad_endpoints', `${path}: ${complaint}`, {
      advice: 'Restart the stack, it writes the file anew.',
    })
  if (text.length > limitBytes) throw refuse('is too large')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CliError('bad_endpoints', `${path}: is not JSON`, { cause })
  }
  const members = (candidate: unknown, name: string): Record<string, unknown> => {
    if (!isObject(candidate)) {
      throw refuse(`${name} must be an object`)
    }
    return { ...candidate }
  }
  const location = (candidate: unknown, name: string): string => {
    if (typeof candidate !== 'string' || candidate === '' || candidate.length > 4096) {
      throw refuse(`${name} must be a URL or a path`)
    }
    return candidate
  }
  const top = members(value, 'the file')
  const urlsIn = (name: string): Readonly<Record<string, string>> => {
    const urls = Object.entries(members(top[name], name))
    if (urls.length > maximumServices) throw refuse(`has more than ${maximumServices} services`)
    return Object.fromEntries(urls.map(([service, url]) => [service, location(url, `${name}.${service}`)]))
  }
  const trust = members(top['trust'], 'trust')
  const identity = top['identity'] === undefined ? undefined : members(top['identity'], 'identity')
  const source = (name: keyof IdentitySources): IdentitySources =>
    identity?.[name] === undefined ? {} : { [name]: location(identity[name], `identity.${name}`) }
  return {
    services: urlsIn('services'),
    ...(top['public'] !== undefined && { public: urlsIn('public') }),
    issuer: location(top['issuer'], 'issuer'),
    // A stack of before does not say what its CA runs with.
    ...(identity !== undefined && {
      identity: { ...source('configFile'), ...source('policyFile'), ...source('trialIssuer') },
    }),
    trust: {
      trustedRoot: location(trust['trustedRoot'], 'trust.trustedRoot'),
      signingConfig: location(trust['signingConfig'], 'trust.signingConfig'),
      clientTrustConfig: location(trust['clientTrustConfig'], 'trust.clientTrustConfig'),
    },
  }
}
