/** Settings that the ingress does not start without, with values that guard nothing. */
export const testSecrets = {
  SESSION_SECRET: 'kV3q9Zt7Lx2mWc8Rb5Ny1Hd6Pf4Gs0Ja',
  CSRF_SECRET: 'Tq8Lw2Xn5Vb9Kc3Mz7Rd1Fy6Hg4Js0Pe',
};
