import { CliError } from '../errors.ts'

export function refuseHardwareKey(sk: boolean | undefined): void {
  if (sk !== true) return
  throw new CliError('bad_usage', 'PIV tokens (--sk) are not supported', {
    advice:
      'A token with a PKCS #11 module is named with --key pkcs11:…, as docs/operations/ca-keys.md has it.',
  })
}
