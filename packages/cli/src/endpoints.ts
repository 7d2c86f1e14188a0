/** endpoints.json: what a running stack writes into its data folder, so that commands and scripts find it. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoints as WrittenEndpoints } from '@sigstack/stack'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'

/** What the commands need of it. */
export type Endpoints = Omit<WrittenEndpoints, 'files' | 'trust'> & {
  readonly trust: Omit<WrittenEndpoints['trust'], 'mirror'>
}

const limitBytes = 64 * 1024
const maximumServices = 64

/** The data folder: the option, else the environment, else the one beside the caller. */
export function dataFolder(io: Io, option: string | undefined): string {
  return option ?? io.environment['SIGSTACK_DATA'] ?? './.sigstack'
}

/** Throws `not_running` when there is no such file, `bad_endpoints` when it is not ours. */
export async function readEndpoints(folder: string): Promise<Endpoints> {
  const path = join(folder, 'endpoints.json')
  let text: string
  try {
    const { size } = await stat(path)
    if (size > limitBytes) throw new CliError('bad_endpoints', `${path} is too large`)
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof CliError) throw cause
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
    if (typeof candidate !== 'object' || candidate === null || Array.isArray(candidate)) {
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
  const services = Object.entries(members(top['services'], 'services'))
  if (services.length > maximumServices) throw refuse(`has more than ${maximumServices} services`)
  const trust = members(top['trust'], 'trust')
  return {
    services: Object.fromEntries(services.map(([name, url]) => [name, location(url, `services.${name}`)])),
    issuer: location(top['issuer'], 'issuer'),
    trust: {
      trustedRoot: location(trust['trustedRoot'], 'trust.trustedRoot'),
      signingConfig: location(trust['signingConfig'], 'trust.signingConfig'),
      clientTrustConfig: location(trust['clientTrustConfig'], 'trust.clientTrustConfig'),
    },
  }
}
