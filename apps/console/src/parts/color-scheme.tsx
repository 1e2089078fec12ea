import { ActionIcon, useMantineColorScheme } from '@mantine/core';
import { DesktopIcon, MoonIcon, SunIcon } from '@radix-ui/react-icons';

const SCHEMES = {
  auto: { label: 'as the system has it', next: 'light', icon: DesktopIcon },
  light: { label: 'light', next: 'dark', icon: SunIcon },
  dark: { label: 'dark', next: 'auto', icon: MoonIcon },
} as const;

/** Light, dark or as the system has it: each press changes to the next. */
export function ColorScheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { label, next, icon: Icon } = SCHEMES[colorScheme];
  return (
    <ActionIcon
      variant="default"
      size="lg"
      onClick={() => setColorScheme(next)}
      aria-label={`Colours: ${label}. Change to ${SCHEMES[next].label}`}
      title={`Colours: ${label}`}
    >
      <Icon />
    </ActionIcon>
  );
}
