"""Report formats: one small file each, listed in ``formats``; they print a report and decide nothing."""
