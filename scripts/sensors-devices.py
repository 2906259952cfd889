#!/usr/bin/env python3
"""Devices for scripts/sensors.sh, on loopback: sensors-devices.py MODBUS_PORT BACNET_PORT. Needs pymodbus and bacpypes3 (PyPI).

Prints "ready"; then every write that a client asks for, which must be none."""
import asyncio
import sys

from bacpypes3.app import Application
from bacpypes3.argparse import SimpleArgumentParser
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

# Registers from address 0: 215 and -45 tenths, 100000 as high and low word, 20.5 as IEEE 754 with the low word first.
WORDS = [215, 0x10000 - 45, 0x0001, 0x86A0, 0x0000, 0x41A4]


class Watched(ModbusSequentialDataBlock):
    def setValues(self, address, values):
        print("written: modbus", address, values, flush=True)
        return super().setValues(address, values)


async def main():
    modbus_port, bacnet_port = sys.argv[1:3]
    words = Watched(1, WORDS)
    bits = Watched(1, [True, False])
    device = ModbusDeviceContext(di=bits, co=bits, ir=words, hr=words)
    server = ModbusTcpServer(ModbusServerContext(devices={1: device}, single=False), address=("127.0.0.1", int(modbus_port)))
    await server.serve_forever(background=True)

    args = SimpleArgumentParser().parse_args(
        ["--address", f"127.0.0.1/24:{bacnet_port}", "--instance", "599", "--name", "ahu"])
    app = Application.from_args(args)
    app.add_object(AnalogInputObject(objectIdentifier=("analog-input", 3), objectName="co2", presentValue=412.5, units="partsPerMillion"))
    app.add_object(AnalogValueObject(objectIdentifier=("analog-value", 1), objectName="setpoint", presentValue=20.0))
    app.add_object(BinaryInputObject(objectIdentifier=("binary-input", 7), objectName="motion", presentValue="active"))

    async def refuse(apdu):
        print("written: bacnet", apdu, flush=True)
    app.do_WritePropertyRequest = refuse
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
