"""The keys that the field's tools know."""

META_KEYS = frozenset(
    "package source build requirements outputs test about app extra features schema_version".split()
)
RECIPE_KEYS = frozenset(
    "schema_version context package recipe source build requirements outputs tests about extra cache".split()
)
SECTION_KEYS = frozenset(
    "build host run run_constrained run_constraints run_exports ignore_run_exports conflicts".split()
)
FORGE_KEYS = frozenset(
    "abi_migration_branches appveyor azure bot build build_platform build_with_mambabuild channel_priority channels choco "
    "circle clone_depth compiler_stack conda_build conda_build_tool conda_forge_output_validation conda_install_tool "
    "conda_solver config_version docker drone exclusive_config_file github github_actions "
    "idle_timeout_minutes linux linux_aarch64 linux_ppc64le linter matrix max_py_ver max_r_ver min_py_ver min_r_ver "
    "noarch_platforms nightly_builds os_version osx osx_64 osx_arm64 package private_upload provider recipe_dir "
    "remote_ci_setup remote_ci_setup_update secrets shellcheck skip_render templates test test_on_native_only travis "
    "upload_on_branch win win_64 win_arm64 woodpecker workflow_settings maxparallel tmpdir build_pkg_format".split()
)
