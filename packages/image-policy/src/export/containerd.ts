/**
 * containerd: a program in its folder of image verifiers, which it calls with three arguments and no configuration. The
 * program is a script that gives this tool the policy, with the trust inside.
 */
import { needsTrust } from '../conditions.ts'
import { writeImagePolicy } from '../write-policy.ts'
import type { Exporter } from './context.ts'
import { refuseWarning } from './limits.ts'
import { writtenBy } from './manifest.ts'
import { trustDigest, trustOf } from './trust.ts'

const endOfPolicy = 'END_OF_POLICY'

export const exportContainerd: Exporter = (policy, context, cannot) => {
  refuseWarning(policy, 'containerd', cannot)
  const program = context.program ?? '/usr/local/bin/sigstack'
  if (!/^\/[A-Za-z0-9_./-]{1,500}$/.test(program))
    cannot('--program is a whole path of letters, digits and _ . / -, as a shell reads it')
  const { trustedRoot: _, ...own } = policy
  const whole = writeImagePolicy({
    ...own,
    ...(needsTrust(policy) && { trustedRoot: trustOf(context).text }),
  })
  if (whole.split('\n').includes(endOfPolicy)) cannot(`the policy has a line ${endOfPolicy}`)
  const text = `#!/bin/sh
${writtenBy}${context.toolVersion}.
# Policy ${policy.name}; trusted root ${trustDigest(context)}.
# containerd calls this with -name, -digest and -stdin-media-type, and lets the image pass where it ends with 0.
name= digest=
while [ $# -gt 0 ]; do
  case $1 in
    -name) name=\${2-} ;;
    -digest) digest=\${2-} ;;
  esac
  shift
done
[ -n "$name" ] && [ -n "$digest" ] || { echo "no image is named"; exit 1; }
exec ${program} policy test - "\${name%%@*}@$digest" 2>&1 <<'${endOfPolicy}'
${whole}${endOfPolicy}
`
  return {
    files: [{ name: 'sigstack-policy', text, isProgram: true }],
    notes: [
      'The file goes into the bin_dir of io.containerd.image-verifier.v1.bindir (/opt/containerd/image-verifier/bin), executable, and nothing else does: every file there is run.',
      'With no program in that folder containerd lets everything pass; a time-out (10 s unless it is set) refuses.',
    ],
  }
}
