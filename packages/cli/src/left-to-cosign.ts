/** What cosign has and this tool goes without: scripts that name it are told what to do in its place. */
import { CliError } from './errors.ts'

/** What stands for keys in tokens. */
export const hardwareKeys =
  'A PIV token is reached by the PKCS #11 module of its vendor: --key "pkcs11:id=%01?module-path=/usr/local/lib/libykcs11.so&pin-source=file:/PATH" is slot 9a of a YubiKey. docs/operations/ca-keys.md has more; the tools of the token make and list keys.'

/** By flag. */
const flags: Readonly<Record<string, string>> = {
  sk: hardwareKeys,
  slot: hardwareKeys,
}

const commands: Readonly<Record<string, string>> = {
  debug: '`sigstack doctor` looks for what does not work, `sigstack bundle inspect` shows a bundle.',
  env: 'Every option has a variable, COSIGN_ and its name in capitals; docs/signing.md has the others.',
  'generate-fig-spec': '`sigstack completion SHELL` prints a script that completes commands.',
  'piv-tool': hardwareKeys,
  'pkcs11-tool': hardwareKeys,
  upload: 'A registry tool such as oras or crane puts files into a registry; sign what it puts there.',
}

/** The command has no such flag of its own. Throws `bad_usage` where cosign's has. */
export function refuseFlag(flag: string): void {
  if (Object.hasOwn(flags, flag))
    throw new CliError('bad_usage', `--${flag} is a flag of cosign that this tool goes without`, {
      ...(flags[flag] !== undefined && { advice: flags[flag] }),
    })
}

/** Throws `bad_usage` where only cosign has a command of that name. */
export function refuseCommand(name: string): void {
  if (Object.hasOwn(commands, name))
    throw new CliError('bad_usage', `${name} is a command of cosign that this tool goes without`, {
      ...(commands[name] !== undefined && { advice: commands[name] }),
    })
}
