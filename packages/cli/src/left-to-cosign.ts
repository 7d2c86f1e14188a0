/** What cosign has and this tool goes without: scripts that name it are told what to do in its place. */
import { CliError } from './errors.ts'

const attached =
  'What was signed elsewhere is attached first, by `sigstack attach signature`, and then verified in the registry.'

/** What stands for keys in tokens. */
export const hardwareKeys =
  'A PIV token is reached by the PKCS #11 module of its vendor: --key "pkcs11:id=%01?module-path=/usr/local/lib/libykcs11.so&pin-source=file:/PATH" is slot 9a of a YubiKey. docs/operations/ca-keys.md has more; the tools of the token make and list keys.'

/** By flag; those of verifying commands come before the others. */
const flags: Readonly<Record<string, string>> = {
  sk: hardwareKeys,
  slot: hardwareKeys,
}

const verifyingFlags: Readonly<Record<string, string>> = {
  certificate: attached,
  'rfc3161-timestamp': '`sigstack bundle create` makes one bundle of the parts of a signature.',
  signature: attached,
}

const commands: Readonly<Record<string, string>> = {
  debug: '`sigstack doctor` looks for what does not work, `sigstack bundle inspect` shows a bundle.',
  env: 'Every option has a variable, COSIGN_ and its name in capitals; docs/signing.md has the others.',
  'generate-fig-spec': '`sigstack completion SHELL` prints a script that completes commands.',
  'piv-tool': hardwareKeys,
  'pkcs11-tool': hardwareKeys,
  upload: 'A registry tool such as oras or crane puts files into a registry; sign what it puts there.',
}

/** `command` has no such flag of its own. Throws `bad_usage` where cosign's command has. */
export function refuseFlag(command: string, flag: string): void {
  const own = /verify/.test(command) ? { ...flags, ...verifyingFlags } : flags
  if (Object.hasOwn(own, flag))
    throw new CliError('bad_usage', `--${flag} is a flag of cosign that this tool goes without`, {
      ...(own[flag] !== undefined && { advice: own[flag] }),
    })
}

/** Throws `bad_usage` where only cosign has a command of that name. */
export function refuseCommand(name: string): void {
  if (Object.hasOwn(commands, name))
    throw new CliError('bad_usage', `${name} is a command of cosign that this tool goes without`, {
      ...(commands[name] !== undefined && { advice: commands[name] }),
    })
}
