// Which files are read, and what `file://` reaches.
#include "tests/runtime/config/application_fixture.hpp"

#include "runtime/config/source/source_tree.hpp"

using namespace natterjack::runtime;
namespace fs = std::filesystem;

namespace {

const std::string one_entry = "namespace: app\nentries:\n  - {name: a, kind: registry.entry}\n";

std::string single(const std::string& name) {
  return "namespace: app\nname: " + name + "\nkind: registry.entry\n";
}

} // namespace

SCENARIO_METHOD(application_fixture, "all YAML and JSON of the folder is read", "[config][files]") {
  write("_index.yaml", one_entry);
  write("deep/er/x.yml", single("b"));
  write("deep/c.json",
        R"({"namespace": "app", "entries": [{"name": "c", "kind": "registry.entry"}]})");
  write("package.json", R"({"name": "something", "version": "1.0"})");
  write("list.yaml", "- 1\n- 2\n");
  write("empty.yaml", "");
  write("notes.txt", "namespace: {");
  write(".hidden/x.yaml", single("hidden"));
  write(".x.yaml", single("hidden"));
  write("node_modules/x/x.yaml", "a: [");
  load();
  CHECK(said() == "");
  CHECK(app.entries.size() == 3);
  CHECK(app.find("app:a") != nullptr);
  CHECK(app.find("app:b") != nullptr);
  CHECK(app.find("app:c") != nullptr);
  CHECK(app.find("app:b")->line == 1);
  CHECK(app.root == folder());
}

SCENARIO_METHOD(application_fixture, "a folder that is none is one mistake", "[config][files]") {
  options.folder = folder() / "nowhere";
  app = load_application(options);
  CHECK(said() == "app/nowhere: does not exist; expected the folder of an application\n");
  write("file", "");
  options.folder = folder() / "file";
  app = load_application(options);
  CHECK(said() == "app/file: is no folder; expected the folder of an application\n");
}

SCENARIO_METHOD(application_fixture, "a folder without entries is a mistake", "[config][files]") {
  write("other.yaml", "a: 1\n");
  load();
  CHECK(said() == "app: holds no entries; expected an _index.yaml with namespace and entries\n");
}

SCENARIO_METHOD(application_fixture, "files are named as the user would open them",
                "[config][files]") {
  write("sub/_index.yaml", "namespace: app\nentries:\n  - {name: a, kind: nonsense}\n");
  const auto before = fs::current_path();
  fs::current_path(base);
  for (const char* given : {"app", "app/", "./app", "app/sub/.."}) {
    INFO(given);
    options.folder = given;
    app = load_application(options);
    REQUIRE(app.diagnostics.size() == 1);
    CHECK(app.diagnostics[0].file == "app/sub/_index.yaml");
    CHECK(app.diagnostics[0].line == 3);
  }
  fs::current_path(folder());
  options.folder = ".";
  app = load_application(options);
  REQUIRE(app.diagnostics.size() == 1);
  CHECK(app.diagnostics[0].file == "sub/_index.yaml");
  fs::current_path(before);
}

SCENARIO_METHOD(application_fixture, "an _index.yaml must hold entries", "[config][files]") {
  write("a/_index.yaml", "# nothing\n\nname_space: app\nentries: []\n");
  write("b/_index.yaml", "namespace: app\nentires: []\n");
  write("c/_index.yaml", "- 1\n");
  write("d/_index.yaml", "");
  load();
  CHECK(
      said() ==
      "app/a/_index.yaml:3: is no file of entries: has no namespace (is \"name_space\" meant?); "
      "expected namespace and a list of entries\n"
      "app/b/_index.yaml:1: is no file of entries: has no entries (is \"entires\" meant?); "
      "expected namespace and a list of entries\n"
      "app/c/_index.yaml:1: is no file of entries: holds a list; expected namespace and a list of "
      "entries\n"
      "app/d/_index.yaml:1: is no file of entries: holds nothing; expected namespace and a list "
      "of entries\n");
}

SCENARIO_METHOD(application_fixture, "files that do not parse are told with their lines",
                "[config][files]") {
  write("_index.yaml", one_entry);
  write("broken.yaml", "namespace: a\nb: [1,\n  2\nc: 3\n");
  write("broken.json", "{\"namespace\": \"a\",\n\"b\": oops}");
  write("twice.yaml", "a: namespace\nb: 2\na: 3\n");
  load();
  REQUIRE(app.diagnostics.size() == 3);
  CHECK_THAT(to_string(app.diagnostics[0]), contains_text("broken.json:2: is not JSON"));
  CHECK_THAT(to_string(app.diagnostics[1]), contains_text("broken.yaml:") && contains_text("is not YAML"));
  CHECK(app.diagnostics[1].line >= 3);
  CHECK_THAT(to_string(app.diagnostics[2]), contains_text("twice.yaml:3: key \"a\" stands twice"));
  CHECK(app.find("app:a") != nullptr);
}

SCENARIO_METHOD(application_fixture, "data that names no namespace is nobody's entries",
                "[config][files]") {
  write("_index.yaml", one_entry);
  write("tsconfig.json", "{ // for the page\n  \"strict\": true\n}\n");
  load();
  CHECK(app.ok());
  REQUIRE(app.warnings.size() == 1);
  CHECK_THAT(to_string(app.warnings[0]), contains_text("tsconfig.json:1: is not JSON") &&
                                             contains_text("taken as data"));
}

SCENARIO_METHOD(application_fixture, "a file is at most 1 MiB", "[config][files]") {
  const size_t limit = size_t{1} << 20;
  auto filled = [](size_t size) {
    return one_entry + '#' + std::string(size - one_entry.size() - 1, 'x');
  };
  for (size_t size : {limit - 1, limit}) {
    write("_index.yaml", filled(size));
    load();
    CHECK(said() == "");
    CHECK(app.entries.size() == 1);
  }
  write("_index.yaml", filled(limit + 1));
  load();
  CHECK(said() == "app/_index.yaml: is too big; expected at most 1048576 bytes\n");
  AND_THEN("big data of somebody else is left alone") {
    write("_index.yaml", one_entry);
    write("map.json", "[" + std::string(limit, ' ') + "1]");
    load();
    CHECK(said() == "");
  }
}

SCENARIO_METHOD(application_fixture, "links in circles and out of the folder are not followed",
                "[config][files]") {
  write("_index.yaml", one_entry);
  write("sub/b.yaml", single("b"));
  fs::create_directory_symlink(folder(), folder() / "sub/loop");
  fs::create_directory_symlink(folder() / "sub", folder() / "again");
  fs::create_directory(base / "outside");
  std::ofstream(base / "outside/c.yaml") << single("c");
  fs::create_directory_symlink(base / "outside", folder() / "out");
  fs::create_symlink(base / "outside/c.yaml", folder() / "c.yaml");
  fs::create_symlink(folder() / "nowhere.yaml", folder() / "dangling.yaml");
  load();
  CHECK(said() == "");
  CHECK(app.entries.size() == 2);
  CHECK(warned() == "app/c.yaml: is a link that leads out of the folder: not read\n"
                    "app/out: is a link that leads out of the folder: not read\n");
}

SCENARIO_METHOD(application_fixture, "source texts come from files", "[config][files]") {
  write("code/_index.yaml", "namespace: app\n"
                            "entries:\n"
                            "  - name: near\n"
                            "    kind: library.lua\n"
                            "    source: file://lib.lua\n"
                            "  - name: far\n"
                            "    kind: library.lua\n"
                            "    source: file:///shared/lib.lua\n"
                            "  - name: here\n"
                            "    kind: library.lua\n"
                            "    source: |\n"
                            "      return {}\n"
                            "  - name: text\n"
                            "    kind: registry.entry\n"
                            "    readme: {en: file://lib.lua}\n");
  write("code/lib.lua", "return 1");
  write("shared/lib.lua", "\xEF\xBB\xBFreturn 2");
  load();
  CHECK(said() == "");
  const auto& near = *app.find("app:near")->source;
  CHECK(near.text == "return 1");
  CHECK(near.path == folder() / "code/lib.lua");
  CHECK(near.chunk == (folder() / "code/lib.lua").string());
  CHECK(near.first_line == 1);
  CHECK(app.find("app:far")->source->text == "return 2");
  const auto& here = *app.find("app:here")->source;
  CHECK(here.text == "return {}\n");
  CHECK(here.path.empty());
  CHECK(here.chunk == (folder() / "code/_index.yaml").string());
  CHECK(here.first_line == 12);
  CHECK(*app.find("app:text")->data.find_path("readme.en")->as_text() == "return 1");
}

SCENARIO_METHOD(application_fixture, "a missing file says where it was looked for",
                "[config][files]") {
  write("ws_hub.lua", "");
  load("  - name: a\n"
       "    kind: library.lua\n"
       "    source: file://ws_hbu.lua\n"
       "  - name: b\n"
       "    kind: library.lua\n"
       "    source: file:///no/x.lua\n"
       "  - name: c\n"
       "    kind: library.lua\n"
       "    source: file://\n"
       "  - name: d\n"
       "    kind: library.lua\n"
       "    source: ws_hub.lua\n"
       "  - name: e\n"
       "    kind: library.lua\n"
       "    source: file://.\n");
  CHECK(said() ==
        "app/_index.yaml:5: app:a: source: file://ws_hbu.lua: looked for app/ws_hbu.lua, which "
        "does not exist (did you mean \"ws_hub.lua\"?)\n"
        "app/_index.yaml:8: app:b: source: file:///no/x.lua: looked for app/no/x.lua, which does "
        "not exist\n"
        "app/_index.yaml:11: app:c: source: file://: names no file\n"
        "app/_index.yaml:14: app:d: source: found text \"ws_hub.lua\"; expected "
        "file://ws_hub.lua or Lua text\n"
        "app/_index.yaml:17: app:e: source: file://.: app cannot be read: is a folder\n");
}

SCENARIO_METHOD(application_fixture, "file:// does not leave the folder", "[config][files]") {
  std::ofstream(base / "secret.lua") << "return 1";
  fs::create_directories(folder());
  fs::create_symlink(base / "secret.lua", folder() / "link.lua");
  load("  - {name: a, kind: library.lua, source: \"file://../secret.lua\"}\n"
       "  - {name: b, kind: library.lua, source: \"file:///../secret.lua\"}\n"
       "  - {name: c, kind: library.lua, source: \"file://link.lua\"}\n"
       "  - {name: d, kind: library.lua, source: \"file://x/../../secret.lua\"}\n"
       "  - {name: e, kind: registry.entry, x: [\"file://../missing\"]}\n");
  REQUIRE(app.diagnostics.size() == 5);
  for (size_t i = 0; i < 5; ++i) {
    CHECK(app.diagnostics[i].line == static_cast<int>(3 + i));
    CHECK_THAT(app.diagnostics[i].message, contains_text("leads out of the application's folder"));
  }
}

SCENARIO_METHOD(application_fixture, "a source is text of bounded size", "[config][files]") {
  write("big.lua", std::string(source_tree::text_bytes_max + 1, ' '));
  write("fits.lua", std::string(source_tree::text_bytes_max, ' '));
  write("compiled.lua", "\x1BLua5.4");
  load("  - {name: a, kind: library.lua, source: \"file://big.lua\"}\n"
       "  - {name: b, kind: library.lua, source: \"file://fits.lua\"}\n"
       "  - {name: c, kind: library.lua, source: \"file://compiled.lua\"}\n");
  CHECK(said() == "app/_index.yaml:3: app:a: source: file://big.lua: app/big.lua is bigger than "
                  "4194304 bytes\n"
                  "app/_index.yaml:5: app:c: source: app/compiled.lua is compiled Lua; expected "
                  "Lua text\n");
}

SCENARIO_METHOD(application_fixture, "Lua syntax is looked at once a file", "[config][files]") {
  write("good.lua", "return 1");
  write("bad.lua", "return\n\noops oops");
  options.check_syntax = [](std::string_view source,
                            std::string_view) -> std::optional<syntax_error> {
    const auto at = source.find("oops");
    if (at == std::string_view::npos)
      return {};
    const auto line = 1 + std::count(source.begin(), source.begin() + static_cast<long>(at), '\n');
    return syntax_error{static_cast<int>(line), "unexpected symbol near 'oops'"};
  };
  load("  - {name: a, kind: library.lua, source: file://good.lua}\n"
       "  - {name: b, kind: library.lua, source: file://bad.lua}\n"
       "  - {name: c, kind: function.lua, source: file://bad.lua}\n"
       "  - name: d\n"
       "    kind: library.lua\n"
       "    source: |\n"
       "      local x\n"
       "      oops\n");
  CHECK(said() == "app/_index.yaml:10: app:d: unexpected symbol near 'oops'\n"
                  "app/bad.lua:3: app:b: unexpected symbol near 'oops'\n");
}
