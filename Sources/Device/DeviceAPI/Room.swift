// DeviceAPI: not filled yet.
