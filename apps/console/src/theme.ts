import { createTheme, type CSSVariablesResolver } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: { NavLink: { defaultProps: { bdrs: 'md' } } },
});

/** Texts on tinted ground, and what is dimmed, with a contrast of at least 4.5 (WCAG 2.2, 1.4.3): Mantine's own have less. */
export const readable: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': colors.gray[7],
    '--mantine-color-placeholder': colors.gray[7],
    '--mantine-color-error': colors.red[9],
    '--mantine-color-indigo-light-color': colors.indigo[9],
    '--mantine-color-blue-light-color': colors.blue[9],
    '--mantine-color-red-light-color': '#b02525',
    '--mantine-color-green-light-color': '#1d6b2e',
    '--mantine-color-yellow-light-color': '#7a4a00',
    '--mantine-color-gray-light-color': colors.gray[8],
  },
  dark: {
    '--mantine-color-dimmed': colors.dark[1],
    '--mantine-color-placeholder': colors.dark[1],
    '--mantine-color-error': colors.red[4],
    '--mantine-color-indigo-light-color': colors.indigo[2],
    '--mantine-color-blue-light-color': colors.blue[2],
    '--mantine-color-red-light-color': colors.red[2],
    '--mantine-color-green-light-color': colors.green[2],
    '--mantine-color-yellow-light-color': colors.yellow[2],
    '--mantine-color-gray-light-color': colors.gray[3],
  },
});
